import { createHmac, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Clock, systemClock } from '../../clock.js'
import { type Duration, milliseconds } from '../../duration.js'
import { checkFunction, checkInteger, checkKnown, checkMethods } from '../../options.js'
import { LATE, withDeadline } from '../../deadline.js'
import { createIdentity } from '../identity.js'
import { accepted, rejected, type Scheme, undecided, type Verdict } from '../scheme.js'
import { type DeriveKey, deriveKey, isPasswordHash, isPasswordOf, NO_PASSWORD } from './password.js'
import { parseUserPass, type UserPass } from './user-pass.js'

/** Settings of `basic`. */
export interface BasicOptions {
  /** Finds the record of a user. Asked on every request; what it throws is answered with 503. Required. */
  readonly lookup: BasicLookup
  /** How long a lookup and a comparison may take before the client gets 503. Default `'2s'`. */
  readonly deadline?: Duration
  /** Passwords that are hashed at the same time; more get 503. Each holds a thread and 32 MiB. Default 2. */
  readonly maxConcurrent?: number
  /** How many good passwords are remembered, so that they are hashed once. Default 1000. */
  readonly maxRemembered?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** Finds the record of a user. It never sees the password. */
export type BasicLookup = (username: string) => BasicRecord | undefined | PromiseLike<BasicRecord | undefined>

/** What is kept of a user. */
export interface BasicRecord {
  /** What `hashPassword` made. */
  readonly passwordHash: string
  /** Default: the user's name. */
  readonly subject?: string
  readonly tenant?: string
  /** Default: none. */
  readonly scopes?: readonly string[]
  /** Default: none. */
  readonly roles?: readonly string[]
  /** For limits that depend on it. Default: none. */
  readonly tier?: string
  /** Default `false`. */
  readonly disabled?: boolean
}

/** The defaults of {@link BasicOptions}. */
export const BASIC_DEFAULTS = { deadline: '2s', maxConcurrent: 2, maxRemembered: 1_000 } as const

/** When to ask again while too many passwords are hashed, in milliseconds. */
const BUSY_RETRY = 1_000

/**
 * Knows users of internal tools by name and password (RFC 7617). Unknown users and wrong passwords take the same work
 * and get the same answer.
 *
 * @throws TypeError that names the option that is wrong.
 */
export function basic(options: BasicOptions): Scheme {
  return basicBy(deriveKey, options)
}

/** The scheme with its way to hash, so that the work can be counted. */
export function basicBy(derive: DeriveKey, options: BasicOptions): Scheme {
  const { lookup, deadline, maxConcurrent, maxRemembered, clock } = checkOptions(options)
  // A fast digest of a password would undo the slow one: nobody has the key of this one but this process.
  const processKey = randomBytes(32)
  const good = new LRUCache<string, true>({ max: maxRemembered })
  const hashing = new Map<string, Promise<boolean>>()

  return {
    name: 'basic',
    credential: { field: 'authorization', authScheme: 'Basic' },
    challenge: { authScheme: 'Basic', parameters: { charset: 'UTF-8' } },
    async verify(credential) {
      const pair = parseUserPass(credential)
      if (pair === undefined) return rejected('malformed')
      const verdict = await withDeadline(clock, deadline, () => decide(pair))
      return verdict === LATE ? undecided() : verdict
    },
  }

  async function decide(pair: UserPass): Promise<Verdict> {
    const record = await lookup(pair.username)
    // A fault of the lookup must neither let anyone in nor count as a bad password.
    if (record !== undefined && !isRecord(record)) {
      throw new TypeError('basic: lookup returned a record of the wrong shape')
    }
    const same = await compare(pair, record?.passwordHash ?? NO_PASSWORD)
    if (same === 'busy') return undecided(BUSY_RETRY)
    if (record === undefined || !same) return rejected('unknown-key')
    if (record.disabled === true) return rejected('revoked', { genuine: true })
    const { subject = pair.username, tenant, scopes = [], roles = [], tier } = record
    return accepted(createIdentity({ scheme: 'basic', subject, tenant, scopes, roles, tier }))
  }

  /** The hash is a part of the name under which a password is remembered: a changed one is never taken for it. */
  function compare({ username, password }: UserPass, hash: string): true | 'busy' | Promise<boolean> {
    const parts = JSON.stringify([username, password, hash])
    const digest = createHmac('sha256', processKey).update(parts).digest('base64')
    if (good.get(digest) === true) return true
    const running = hashing.get(digest)
    if (running !== undefined) return running
    if (hashing.size >= maxConcurrent) return 'busy'
    const comparing = isPasswordOf(password, hash, derive)
      .then((same) => {
        if (same) good.set(digest, true)
        return same
      })
      .finally(() => hashing.delete(digest))
    hashing.set(digest, comparing)
    return comparing
  }
}

function isRecord(record: BasicRecord): boolean {
  if (typeof record !== 'object' || record === null) return false
  const { passwordHash, subject, tenant, scopes = [], roles = [], tier, disabled = false } = record
  return (
    isPasswordHash(passwordHash) &&
    [subject, tenant, tier].every((text) => text === undefined || isText(text)) &&
    [scopes, roles].every((names) => Array.isArray(names) && names.every(isText)) &&
    typeof disabled === 'boolean'
  )
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function checkOptions(
  options: BasicOptions,
): Required<Omit<BasicOptions, 'deadline'>> & { deadline: number } {
  checkKnown('basic', options, ['lookup', 'deadline', 'maxConcurrent', 'maxRemembered', 'clock'])
  const all = { ...BASIC_DEFAULTS, clock: systemClock, ...options }
  checkFunction('basic: lookup', all.lookup)
  checkMethods('basic: clock', all.clock, ['now', 'after'])
  return {
    lookup: all.lookup,
    clock: all.clock,
    deadline: milliseconds('basic: deadline', all.deadline),
    maxConcurrent: checkInteger('basic: maxConcurrent', all.maxConcurrent),
    maxRemembered: checkInteger('basic: maxRemembered', all.maxRemembered),
  }
}
