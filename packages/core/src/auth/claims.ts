import type { JsonObject } from './jwt/compact.js'

/** Own members only: what a prototype holds is nobody's claim. */
export function own(payload: JsonObject, name: string): unknown {
  return Object.hasOwn(payload, name) ? payload[name] : undefined
}

/** A claim's text; undefined for what is none. */
export function textOf(payload: JsonObject, name: string): string | undefined {
  const value = own(payload, name)
  return typeof value === 'string' ? value : undefined
}

/** JSON reads 1e999 as Infinity. */
export function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

/** Byte-exact, split at single spaces (RFC 6749 3.3). What has another form grants nothing. */
export function scopesOf(value: unknown, form: 'string' | 'array'): readonly string[] {
  if (form === 'string')
    return typeof value === 'string' ? value.split(' ').filter((scope) => scope !== '') : []
  return Array.isArray(value) && value.every(isScope) ? value : []
}

/** The roles at the end of a path of claims. What has another form grants nothing. */
export function rolesOf(payload: JsonObject, path: readonly string[]): readonly string[] {
  let value: unknown = payload
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
    value = own(value as JsonObject, name)
  }
  return Array.isArray(value) && value.every((role) => typeof role === 'string' && role !== '') ? value : []
}

function isScope(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes(' ')
}

/** Requests share the identity: a handler that changes a claim would change it for the next one. */
export function deepFreeze(claims: JsonObject): JsonObject {
  const waiting: object[] = [claims]
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    Object.freeze(value)
    for (const member of Object.values(value) as unknown[]) {
      if (typeof member === 'object' && member !== null) waiting.push(member)
    }
  }
  return claims
}
