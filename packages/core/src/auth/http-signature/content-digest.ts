import { hash } from 'node:crypto'
import { parseWrittenDictionary } from './dictionary.js'

/** The algorithms of RFC 9530 5 that still protect anything. */
const ALGORITHMS = [
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
] as const

/**
 * Whether `Content-Digest` (RFC 9530 2) is that of the content: every digest of a known algorithm is right, and there
 * is one.
 */
export function isDigestOf(lines: readonly string[], content: Uint8Array): boolean {
  const digests = parseWrittenDictionary(lines.join(', '))
  if (digests === undefined) return false
  const known = ALGORITHMS.filter(([name]) => digests.has(name))
  return (
    known.length > 0 &&
    known.every(([name, algorithm]) => {
      const value = digests.get(name)?.[0]
      return value instanceof ArrayBuffer && Buffer.from(value).equals(hash(algorithm, content, 'buffer'))
    })
  )
}

/** Writes `Content-Digest`. */
export function contentDigest(content: Uint8Array): string {
  return `sha-256=:${hash('sha256', content, 'base64')}:`
}
