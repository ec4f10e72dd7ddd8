import { timingSafeEqual } from 'node:crypto'
import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import { checkFunction, checkInteger, checkKnown, checkMethods, checkText } from '../options.js'
import { type ApiKeyCacheSettings, isPromise, rememberLookups } from './api-key-cache.js'
import { apiKeyDigest } from './api-key-digest.js'
import { checkPrefix, readApiKey } from './api-key-form.js'
import { type ApiKeyLookup, type ApiKeyRecord, isRecord } from './api-key-record.js'
import { LATE, withDeadline } from '../deadline.js'
import { createIdentity } from './identity.js'
import { accepted, rejected, type Scheme, undecided, type Verdict } from './scheme.js'

/** Settings of `apiKey`. */
export interface ApiKeyOptions {
  /** Finds the record of a key. What it throws is answered with 503. Required. */
  readonly lookup: ApiKeyLookup
  /** The one request field that holds the key, lower case. Default `x-api-key`. */
  readonly header?: string
  /**
   * The prefix of keys that `createApiKey` made. Their id is given to `lookup`; a typo in one is refused without it.
   * Keys that begin otherwise are taken too, without an id. Default: no key has an id in it.
   */
  readonly prefix?: string
  /** How long `lookup` may take before the client gets 503. Default `'250ms'`. */
  readonly deadline?: Duration
  /**
   * Answers of `lookup` are remembered so long (at most a minute) and so many; unknown keys for 5 s. A change of a
   * record takes effect that much later, unless {@link ApiKeyScheme.forget} is told. Default: nothing is remembered.
   */
  readonly cache?: { readonly ttl: Duration; readonly max: number }
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** Knows callers by an API key. */
export interface ApiKeyScheme extends Scheme {
  /** Drops what is remembered of a key that was changed; without a digest, everything. */
  forget(digest?: string): void
}

/** The defaults of {@link ApiKeyOptions}. */
export const API_KEY_DEFAULTS = { header: 'x-api-key', deadline: '250ms' } as const

/**
 * Knows callers by an API key. Keys are machine-made secrets, so one SHA-256 is the right digest: a slow hash would
 * itself be a way to overload the service.
 */
export function apiKey(options: ApiKeyOptions): ApiKeyScheme {
  checkKnown('apiKey', options, ['lookup', 'header', 'prefix', 'deadline', 'cache', 'clock'])
  const { prefix, clock = systemClock, header, deadline, cache } = { ...API_KEY_DEFAULTS, ...options }
  checkFunction('apiKey: lookup', options.lookup)
  checkHeader(header)
  if (prefix !== undefined) checkPrefix('apiKey: prefix', prefix)
  const longest = milliseconds('apiKey: deadline', deadline)
  checkMethods('apiKey: clock', clock, ['now', 'after'])
  const remembering = cache && rememberLookups(options.lookup, cacheSettings(cache, longest, clock))
  const lookup = remembering?.lookup ?? options.lookup

  return {
    name: 'api-key',
    credential: { field: header },
    challenge: { authScheme: 'ApiKey', errors: true },
    verify(key) {
      if (!KEY.test(key)) return rejected('malformed')
      // Only behind a known prefix: elsewhere an id could be a piece of the secret.
      const form = prefix === undefined ? 'foreign' : readApiKey(key, prefix)
      if (form === 'broken') return rejected('malformed')
      const digest = apiKeyDigest(key)
      const found = lookup({ digest, id: form === 'foreign' ? undefined : form.id })
      if (!isPromise(found)) return decide(digest, found, clock.now())
      return withDeadline(clock, longest, () => found).then((record) =>
        record === LATE ? undecided() : decide(digest, record, clock.now()),
      )
    },
    forget: (digest) => remembering?.forget(digest),
  }
}

/** Any visible ASCII: foreign keys are taken as they are, byte by byte. Shorter ones can be guessed. */
const KEY = /^[\x21-\x7e]{16,256}$/
/** Stands in for an unknown key's record: comparing takes the same work. No key has it. */
const NO_DIGEST = '0'.repeat(64)

function decide(digest: string, record: ApiKeyRecord | undefined, now: number): Verdict {
  // A fault of the lookup must neither let anyone in nor count as a bad key.
  if (record !== undefined && !isRecord(record)) {
    throw new TypeError('apiKey: lookup returned a record of the wrong shape')
  }
  const same = timingSafeEqual(Buffer.from(digest), Buffer.from(record?.digest ?? NO_DIGEST))
  if (record === undefined || !same) return rejected('unknown-key')

  const { keyId, subject, tenant, scopes = [], roles = [], notBefore, expiresAt, disabledAt } = record
  if (disabledAt !== undefined) return rejected('revoked', GENUINE)
  if (expiresAt !== undefined && now >= expiresAt) return rejected('expired', GENUINE)
  if (notBefore !== undefined && now < notBefore) return rejected('not-yet-valid', GENUINE)
  return accepted(
    createIdentity({ scheme: 'api-key', subject, tenant, scopes, roles, credentialId: keyId, expiresAt }),
  )
}

const GENUINE = { genuine: true } as const

/** The longest a change may take to be seen. */
const MOST_CACHE_TTL = 60_000

function cacheSettings(
  cache: NonNullable<ApiKeyOptions['cache']>,
  deadline: number,
  clock: Clock,
): ApiKeyCacheSettings {
  checkKnown('apiKey: cache', cache, ['ttl', 'max'])
  const ttl = milliseconds('apiKey: cache.ttl', cache.ttl)
  if (ttl > MOST_CACHE_TTL) throw new TypeError('apiKey: cache.ttl must be at most a minute')
  return { clock, deadline, ttl, max: checkInteger('apiKey: cache.max', cache.max) }
}

function checkHeader(header: string): void {
  checkText('apiKey: header', header)
  if (!/^[a-z0-9][a-z0-9-]*$/.test(header))
    throw new TypeError('apiKey: header must be a lower-case field name')
  if (header === 'authorization' || header === 'cookie') {
    throw new TypeError(`apiKey: header must not be '${header}'; give the key a field of its own`)
  }
}
