import { checkKnown } from '../options.js'
import { EPOCH_TIME, isMaybeEpochTime } from './epoch-time.js'

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

/** Whether a record has the right shape. A lookup may read it from anywhere. */
export function isRecord(record: unknown): record is ApiKeyRecord {
  return typeof record === 'object' && record !== null && wrongMember(record) === undefined
}

/** @throws TypeError that names the member, and none of the values: one of them may be a key. */
export function checkShape(option: string, record: unknown): ApiKeyRecord {
  if (isRecord(record)) return record
  if (typeof record !== 'object' || record === null)
    throw new TypeError(`${option} must be an API key's record`)
  const member = wrongMember(record) ?? 'digest'
  throw new TypeError(`${option}.${member} must be ${RULES[member][1]}`)
}

/** @throws TypeError when it is no record, or has another member: a misspelt `expiresAt` would make a key that never ends. */
export function checkRecord(option: string, record: unknown): ApiKeyRecord {
  checkKnown(option, record, RECORD_MEMBERS)
  return checkShape(option, record)
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

type Member = keyof ApiKeyRecord

function wrongMember(record: object): Member | undefined {
  const given = record as Partial<Record<Member, unknown>>
  return RECORD_MEMBERS.find((member) => !RULES[member][0](given[member]))
}

const TEXT = 'a non-empty string'
const TIME = 'milliseconds since the Unix epoch, or undefined'
const DIGEST = /^[0-9a-f]{64}$/

/** What each member must be, as a test and in words. */
const RULES: Readonly<Record<Member, readonly [(value: unknown) => boolean, string]>> = {
  digest: [isDigest, "the key's SHA-256 in 64 lower-case hexadecimal digits: apiKeyDigest(key)"],
  keyId: [isText, TEXT],
  subject: [isText, TEXT],
  tenant: [isMaybeText, `${TEXT} or undefined`],
  scopes: [areMaybeTexts, `an array of which each is ${TEXT}, or undefined`],
  roles: [areMaybeTexts, `an array of which each is ${TEXT}, or undefined`],
  tier: [isMaybeText, `${TEXT} or undefined`],
  issuedAt: [isMaybeTime, TIME],
  // In seconds the others let nobody in.
  notBefore: [isMaybeEpochTime, EPOCH_TIME],
  expiresAt: [isMaybeTime, TIME],
  disabledAt: [isMaybeTime, TIME],
}

const RECORD_MEMBERS = Object.keys(RULES) as readonly Member[]

function isDigest(value: unknown): boolean {
  return typeof value === 'string' && DIGEST.test(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isMaybeText(value: unknown): boolean {
  return value === undefined || isText(value)
}

function areMaybeTexts(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every(isText))
}

function isMaybeTime(value: unknown): boolean {
  return value === undefined || Number.isFinite(value)
}
