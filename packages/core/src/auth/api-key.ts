import { hash, timingSafeEqual } from 'node:crypto'
import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import { checkFunction, checkKnown, checkMethods, checkText } from '../options.js'
import { LATE, withDeadline } from './deadline.js'
import { createIdentity } from './identity.js'
import { accepted, rejected, type Scheme, undecided, type Verdict } from './scheme.js'

/** Settings of `apiKey`. */
export interface ApiKeyOptions {
  /** Finds the record of a key. What it throws is answered with 503. Required. */
  readonly lookup: ApiKeyLookup
  /** The one request field that holds the key, lower case. Default `x-api-key`. */
  readonly header?: string
  /**
   * The prefix of keys of the form `<prefix>_<key id>_<secret>`. Their id is given to `lookup`. Other keys are taken
   * too, without an id. Default: no key has an id in it.
   */
  readonly prefix?: string
  /** How long `lookup` may take before the client gets 503. Default `'250ms'`. */
  readonly deadline?: Duration
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** The defaults of {@link ApiKeyOptions}. */
export const API_KEY_DEFAULTS = { header: 'x-api-key', deadline: '250ms' } as const

/** Finds the record of an API key. It never sees the key. */
export type ApiKeyLookup = (
  query: ApiKeyQuery,
) => ApiKeyRecord | undefined | PromiseLike<ApiKeyRecord | undefined>

/** By what a key is looked up: its digest or, if it has one, its id. */
export interface ApiKeyQuery {
  /** The key's digest, as {@link apiKeyDigest} makes it. */
  readonly digest: string
  /** The key's own id, unverified. */
  readonly id: string | undefined
}

/** What is kept of an API key. */
export interface ApiKeyRecord {
  /** {@link apiKeyDigest} of the key. Compared in constant time. */
  readonly digest: string
  /** Names the key in events. Not a secret. */
  readonly keyId: string
  /** Whose key it is. */
  readonly subject: string
  readonly tenant?: string | undefined
  /** Default: none. */
  readonly scopes?: readonly string[] | undefined
  /** Not good before, in milliseconds since the Unix epoch. Default: at once. */
  readonly notBefore?: number | undefined
  /** Not good from then on, in milliseconds since the Unix epoch. Default: never ends. */
  readonly expiresAt?: number | undefined
  /** Disabled since, in milliseconds since the Unix epoch; any number disables. Default: not disabled. */
  readonly disabledAt?: number | undefined
}

/**
 * Knows callers by an API key. Keys are machine-made secrets, so one SHA-256 is the right digest: a slow hash would
 * itself be a way to overload the service.
 */
export function apiKey(options: ApiKeyOptions): Scheme {
  checkKnown('apiKey', options, ['lookup', 'header', 'prefix', 'deadline', 'clock'])
  const { lookup, prefix, clock = systemClock, header, deadline } = { ...API_KEY_DEFAULTS, ...options }
  checkFunction('apiKey: lookup', lookup)
  checkHeader(header)
  if (prefix !== undefined) checkText('apiKey: prefix', prefix)
  const longest = milliseconds('apiKey: deadline', deadline)
  checkMethods('apiKey: clock', clock, ['now', 'after'])

  return {
    name: 'api-key',
    credential: { field: header },
    challenge: { authScheme: 'ApiKey', errors: true },
    verify(key) {
      if (!KEY.test(key)) return rejected('malformed')
      const digest = apiKeyDigest(key)
      const found = lookup({ digest, id: keyIdOf(key, prefix) })
      if (!isPromise(found)) return decide(digest, found, clock.now())
      return withDeadline(clock, longest, () => found).then((record) =>
        record === LATE ? undecided() : decide(digest, record, clock.now()),
      )
    },
  }
}

/** The digest under which an API key is kept: SHA-256 of its bytes, in 64 hexadecimal characters. */
export function apiKeyDigest(key: string): string {
  return hash('sha256', key, 'hex')
}

/**
 * Looks API keys up in a list, by digest. For a handful of keys that come from the configuration.
 *
 * @throws TypeError when a record has the wrong shape, or two have the same digest.
 */
export function memoryApiKeys(records: Iterable<ApiKeyRecord>): ApiKeyLookup {
  const byDigest = new Map<string, ApiKeyRecord>()
  for (const record of records) {
    if (!isRecord(record)) throw new TypeError('memoryApiKeys: a record has the wrong shape')
    if (byDigest.has(record.digest)) throw new TypeError('memoryApiKeys: two records have the same digest')
    byDigest.set(record.digest, { ...record })
  }
  return ({ digest }) => byDigest.get(digest)
}

/** Any visible ASCII: foreign keys are taken as they are, byte by byte. Shorter ones can be guessed. */
const KEY = /^[\x21-\x7e]{16,256}$/
const DIGEST = /^[0-9a-f]{64}$/

/** Stands in for an unknown key's record: comparing takes the same work. No key has it. */
const NO_DIGEST = '0'.repeat(64)

function decide(digest: string, record: ApiKeyRecord | undefined, now: number): Verdict {
  // A fault of the lookup must neither let anyone in nor count as a bad key.
  if (record !== undefined && !isRecord(record)) {
    throw new TypeError('apiKey: lookup returned a record of the wrong shape')
  }
  const same = timingSafeEqual(Buffer.from(digest), Buffer.from(record?.digest ?? NO_DIGEST))
  if (record === undefined || !same) return rejected('unknown-key')

  const { keyId, subject, tenant, scopes = [], notBefore, expiresAt, disabledAt } = record
  if (disabledAt !== undefined) return rejected('revoked', GENUINE)
  if (expiresAt !== undefined && now >= expiresAt) return rejected('expired', GENUINE)
  if (notBefore !== undefined && now < notBefore) return rejected('not-yet-valid', GENUINE)
  return accepted(
    createIdentity({ scheme: 'api-key', subject, tenant, scopes, credentialId: keyId, expiresAt }),
  )
}

const GENUINE = { genuine: true } as const

/** The id in `<prefix>_<key id>_<secret>`. Only with a known prefix: elsewhere it could be a piece of the secret. */
function keyIdOf(key: string, prefix: string | undefined): string | undefined {
  if (prefix === undefined || !key.startsWith(`${prefix}_`)) return undefined
  const start = prefix.length + 1
  const end = key.indexOf('_', start)
  return end > start ? key.slice(start, end) : undefined
}

function isRecord(record: ApiKeyRecord): boolean {
  const { digest, keyId, subject, tenant, scopes = [], notBefore, expiresAt, disabledAt } = record
  return (
    DIGEST.test(digest) &&
    [keyId, subject].every(isText) &&
    (tenant === undefined || isText(tenant)) &&
    Array.isArray(scopes) &&
    scopes.every(isText) &&
    [notBefore, expiresAt, disabledAt].every((time) => time === undefined || Number.isFinite(time))
  )
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function checkHeader(header: string): void {
  checkText('apiKey: header', header)
  if (!/^[a-z0-9][a-z0-9-]*$/.test(header))
    throw new TypeError('apiKey: header must be a lower-case field name')
  if (header === 'authorization' || header === 'cookie') {
    throw new TypeError(`apiKey: header must not be '${header}'; give the key a field of its own`)
  }
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | undefined)?.then === 'function'
}
