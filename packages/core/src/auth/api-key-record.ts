import { checkKnown } from '../options.js'

/** Finds the record of an API key. It never sees the key. */
export type ApiKeyLookup = (
  query: ApiKeyQuery,
) => ApiKeyRecord | undefined | PromiseLike<ApiKeyRecord | undefined>

/** By what a key is looked up: its digest or, if it has one, its id. */
export interface ApiKeyQuery {
  /** The key's digest: SHA-256, in 64 hexadecimal characters. */
  readonly digest: string
  /** The key's own id, unverified. */
  readonly id: string | undefined
}

/** What is kept of an API key. */
export interface ApiKeyRecord {
  /** The digest of the key. Compared in constant time. */
  readonly digest: string
  /** Names the key in events. Not a secret. */
  readonly keyId: string
  /** Whose key it is. */
  readonly subject: string
  readonly tenant?: string | undefined
  /** Default: none. */
  readonly scopes?: readonly string[] | undefined
  /** Default: none. */
  readonly roles?: readonly string[] | undefined
  /** For limits that depend on it: `gold`. Default: none. */
  readonly tier?: string | undefined
  /** When the key was made, in milliseconds since the Unix epoch. Default: not known. */
  readonly issuedAt?: number | undefined
  /** Not good before, in milliseconds since the Unix epoch. Default: at once. */
  readonly notBefore?: number | undefined
  /** Not good from then on, in milliseconds since the Unix epoch. Default: never ends. */
  readonly expiresAt?: number | undefined
  /** Disabled since, in milliseconds since the Unix epoch; any number disables. Default: not disabled. */
  readonly disabledAt?: number | undefined
}

/** The members of an {@link ApiKeyRecord}. */
export const RECORD_MEMBERS = [
  'digest',
  'keyId',
  'subject',
  'tenant',
  'scopes',
  'roles',
  'tier',
  'issuedAt',
  'notBefore',
  'expiresAt',
  'disabledAt',
] as const satisfies readonly (keyof ApiKeyRecord)[]

/** Whether a record has the right shape. A lookup may read it from anywhere. */
export function isRecord(record: ApiKeyRecord): boolean {
  if (typeof record !== 'object' || record === null) return false
  const { digest, keyId, subject, tenant, scopes = [], roles = [], tier } = record
  const { issuedAt, notBefore, expiresAt, disabledAt } = record
  return (
    DIGEST.test(digest) &&
    [keyId, subject].every(isText) &&
    [tenant, tier].every((text) => text === undefined || isText(text)) &&
    [scopes, roles].every((names) => Array.isArray(names) && names.every(isText)) &&
    [issuedAt, notBefore, expiresAt, disabledAt].every((time) => time === undefined || Number.isFinite(time))
  )
}

/** @throws TypeError when it is no record, or has another member: a misspelt `expiresAt` would make a key that never ends. */
export function checkRecord(option: string, record: unknown): ApiKeyRecord {
  checkKnown(option, record, RECORD_MEMBERS)
  if (isRecord(record as ApiKeyRecord)) return record as ApiKeyRecord
  throw new TypeError(`${option} has the wrong shape`)
}

/** A copy of a good record that nobody can change: what is worked out from it once holds. */
export function frozenRecord(record: ApiKeyRecord): ApiKeyRecord {
  const { digest, keyId, subject, tenant, scopes = [], roles = [], tier } = record
  const { issuedAt, notBefore, expiresAt, disabledAt } = record
  const names = { scopes: Object.freeze([...scopes]), roles: Object.freeze([...roles]) }
  const times = { issuedAt, notBefore, expiresAt, disabledAt }
  return Object.freeze({ digest, keyId, subject, tenant, tier, ...names, ...times })
}

/** Whether a record stays as it is. */
export function isFrozenRecord(record: ApiKeyRecord): boolean {
  return [record, record.scopes, record.roles].every((part) => Object.isFrozen(part))
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

const DIGEST = /^[0-9a-f]{64}$/
