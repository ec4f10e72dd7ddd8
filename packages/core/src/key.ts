import { hash } from 'node:crypto'

/**
 * Makes a store key from parts: a SHA-256 digest, base64url, 43 characters.
 *
 * The only way to make a store key. Each part is written with its type and length, so different parts never meet
 * (`'a', 'bc'` is not `'ab', 'c'`), whatever they hold, and no identity, key or token can be read from a store.
 */
export function keyOf(...parts: readonly (string | number | Uint8Array | undefined)[]): string {
  let text = ''
  for (const part of parts) text += frame(part)
  return hash('sha256', text, 'base64url')
}

function frame(part: string | number | Uint8Array | undefined): string {
  if (part === undefined) return '-;'
  if (typeof part === 'number') return `n${part};`
  if (typeof part !== 'string') return `b${part.byteLength}:${Buffer.from(part).toString('latin1')}`
  // UTF-8 turns every lone surrogate into U+FFFD: two different strings would share a digest.
  if (!part.isWellFormed()) return `u${part.length}:${Buffer.from(part, 'utf16le').toString('hex')}`
  return `s${part.length}:${part}`
}
