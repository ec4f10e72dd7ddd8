import { hash } from 'node:crypto'

/** The digest under which an API key is kept: SHA-256 of its bytes, in 64 hexadecimal characters. */
export function apiKeyDigest(key: string): string {
  return hash('sha256', key, 'hex')
}
