import { hash } from 'node:crypto'
import { checkText } from '../options.js'

/**
 * The digest under which an API key is kept: SHA-256 of its bytes, in 64 hexadecimal characters.
 *
 * @throws TypeError when the key is no text, or empty: a variable of the environment that is not set.
 */
export function apiKeyDigest(key: string): string {
  return hash('sha256', checkText('apiKeyDigest: key', key), 'hex')
}
