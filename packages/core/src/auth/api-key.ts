import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import { checkFunction, checkInteger, checkKnown, checkMethods, checkText } from '../options.js'
import { type ApiKeyCacheSettings, rememberLookups } from './api-key-cache.js'
import { apiKeyDigest } from './api-key-digest.js'
import { checkPrefix, readApiKey } from './api-key-form.js'
import type { ApiKeyLookup, ApiKeyRecord } from './api-key-record.js'
import { keyVerdicts } from './api-key-verdict.js'
import { isPromise, LATE, withDeadline } from '../deadline.js'
import { checkIsRevoked, type IsRevoked, unlessRevoked } from './revocation.js'
import { rejected, type Scheme, undecided, type Verdict } from './scheme.js'

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
   * record takes effect that much later, unless {@link ApiKeyScheme.forget} is told. `'off'`: nothing is. Default 30 s
   * and 10,000, for answers that come as a promise; what a lookup gives at once is at hand anyway.
   */
  readonly cache?: ApiKeyCacheOptions | 'off'
  /** Whether a good key is revoked. Asked on every request, so it must answer from memory. Default: none is. */
  readonly isRevoked?: IsRevoked
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** How answers of a lookup are remembered. */
export interface ApiKeyCacheOptions {
  /** At most a minute. Default `'30s'`. */
  readonly ttl?: Duration
  /** How many. Default 10,000. */
  readonly maxEntries?: number
  /**
   * How long past `ttl` a key that was found is still taken while lookups fail; at most an hour. Its own end counts, and
   * what was forgotten is gone. A change that could not be seen takes effect that much later. Default: not at all.
   */
  readonly maxStale?: Duration
}

/** Knows callers by an API key. */
export interface ApiKeyScheme extends Scheme {
  /** Drops what is remembered of a key that was changed; without a digest, everything. */
  forget(digest?: string): void
}

/** The defaults of {@link ApiKeyOptions}. */
export const API_KEY_DEFAULTS = {
  header: 'x-api-key',
  deadline: '250ms',
  cache: { ttl: '30s', maxEntries: 10_000 },
} as const satisfies Partial<ApiKeyOptions>

/**
 * Knows callers by an API key. Keys are machine-made secrets, so one SHA-256 is the right digest: a slow hash would
 * itself be a way to overload the service.
 */
export function apiKey(options: ApiKeyOptions): ApiKeyScheme {
  checkKnown('apiKey', options, ['lookup', 'header', 'prefix', 'deadline', 'cache', 'isRevoked', 'clock'])
  const { prefix, clock = systemClock, header, deadline } = { ...API_KEY_DEFAULTS, ...options }
  checkFunction('apiKey: lookup', options.lookup)
  checkHeader(header)
  if (prefix !== undefined) checkPrefix('apiKey: prefix', prefix)
  const longest = milliseconds('apiKey: deadline', deadline)
  checkMethods('apiKey: clock', clock, ['now', 'after'])
  const isRevoked = checkIsRevoked('apiKey: isRevoked', options.isRevoked)
  const settings = cacheSettings(options.cache, longest, clock)
  const remembering = settings && rememberLookups(options.lookup, settings)
  const lookup = remembering?.lookup ?? options.lookup
  const decide = keyVerdicts()
  const answer = (digest: string, record: ApiKeyRecord | undefined): Verdict =>
    unlessRevoked(decide(digest, record, clock.now()), isRevoked)

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
      if (!isPromise(found)) return answer(digest, found)
      return withDeadline(clock, longest, () => found).then((record) =>
        record === LATE ? undecided() : answer(digest, record),
      )
    },
    forget: (digest) => remembering?.forget(digest),
  }
}

/** Any visible ASCII: foreign keys are taken as they are, byte by byte. Shorter ones can be guessed. */
const KEY = /^[\x21-\x7e]{16,256}$/
/** The longest a change may take to be seen. */
const MOST_CACHE_TTL = 60_000
/** The longest an outage is bridged. */
const MOST_STALE = 3_600_000

function cacheSettings(
  cache: ApiKeyOptions['cache'],
  deadline: number,
  clock: Clock,
): ApiKeyCacheSettings | undefined {
  if (cache === 'off') return undefined
  if (cache !== undefined) checkKnown('apiKey: cache', cache, ['ttl', 'maxEntries', 'maxStale'])
  const given: ApiKeyCacheOptions = { ...API_KEY_DEFAULTS.cache, ...cache }
  const ttl = milliseconds('apiKey: cache.ttl', given.ttl)
  if (ttl > MOST_CACHE_TTL) throw new TypeError('apiKey: cache.ttl must be at most a minute')
  const maxEntries = checkInteger('apiKey: cache.maxEntries', given.maxEntries)
  const maxStale = given.maxStale === undefined ? 0 : milliseconds('apiKey: cache.maxStale', given.maxStale)
  if (maxStale > MOST_STALE) throw new TypeError('apiKey: cache.maxStale must be at most an hour')
  return { clock, deadline, ttl, maxEntries, maxStale, answers: cache === undefined ? 'later' : 'all' }
}

function checkHeader(header: string): void {
  checkText('apiKey: header', header)
  if (!/^[a-z0-9][a-z0-9-]*$/.test(header))
    throw new TypeError('apiKey: header must be a lower-case field name')
  if (header === 'authorization' || header === 'cookie') {
    throw new TypeError(`apiKey: header must not be '${header}'; give the key a field of its own`)
  }
}
