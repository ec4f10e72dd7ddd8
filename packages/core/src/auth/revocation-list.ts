import { type Clock, systemClock } from '../clock.js'
import { LATE, withDeadline } from '../deadline.js'
import { type Duration, milliseconds } from '../duration.js'
import { teller } from '../observer.js'
import { checkChoice, checkFunction, checkInteger, checkKnown, checkMethods } from '../options.js'
import type { IsRevoked } from './revocation.js'
import { checkRevocation, type Revocation, type RevokedSet, revokedSet } from './revoked-set.js'

/** Settings of `revocationList`. */
export interface RevocationListOptions {
  /** The most revocations that are held. A full list refuses new ones; it forgets none before its time. Default 100,000. */
  readonly maxEntries?: number
  /** Where revocations come from by themselves. Default: only from `revoke`. */
  readonly feed?: RevocationFeed
  /** Told what the feed does. Default: nobody is. */
  readonly onEvent?: (event: RevocationEvent) => void
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** Asks for revocations, time and again. */
export interface RevocationFeed {
  /**
   * Gives all revocations, or what is new since the last call: what was given once holds until its own time. The signal
   * is aborted at the deadline.
   */
  readonly load: (signal: AbortSignal) => PromiseLike<Iterable<Revocation>>
  /** How long after an answer it is asked again. Default `'10s'`. */
  readonly every?: Duration
  /** How long an answer may take. Default `'2s'`. */
  readonly deadline?: Duration
  /** How old the last good answer may be; older is stale. More than `every` and two `deadline`. Default `'1m'`. */
  readonly maxAge?: Duration
  /**
   * What a stale list, or one without its first answer, says of credentials that it does not hold: `accept` lets them
   * pass, `refuse` is 503. Default `accept`.
   */
  readonly whenStale?: 'accept' | 'refuse'
}

/** The defaults of {@link RevocationListOptions} and its feed. */
export const REVOCATION_LIST_DEFAULTS = {
  maxEntries: 100_000,
  feed: { every: '10s', deadline: '2s', maxAge: '1m', whenStale: 'accept' },
} as const

/** What the feed tells. It never holds a revocation. */
export type RevocationEvent =
  | { readonly type: 'revocations.loaded'; readonly added: number; readonly size: number }
  /** `malformed`, `full`: what was good and fitted is held all the same. */
  | {
      readonly type: 'revocations.failed'
      readonly failure: 'deadline' | 'error' | 'malformed' | 'full'
    }
  /** The last good answer is too old; `current`: there is a new one. */
  | { readonly type: 'revocations.stale' }
  | { readonly type: 'revocations.current' }

/** What is revoked, in this process. */
export interface RevocationList {
  /** For the option `isRevoked` of `jwt`, `apiKey` and `introspection`. It needs no `this`. */
  readonly isRevoked: IsRevoked
  /**
   * Revokes at once, in this process. It can't be taken back. It needs no `this`.
   *
   * @throws TypeError when it is no revocation.
   * @throws RangeError when the list is full: then it is not in effect.
   */
  readonly revoke: (revocation: Revocation) => void
  /** How many are held; those that have ended may still be among them. */
  readonly size: number
  /** Of the feed: `loading` until its first answer. Without one always `current`. */
  readonly state: 'loading' | 'current' | 'stale'
  /** Ends the asking of the feed. */
  close(): void
}

/**
 * Keeps a list of revoked credentials that answers from memory, on every request.
 *
 * @throws TypeError that names the option.
 */
export function revocationList(options: RevocationListOptions = {}): RevocationList {
  const { maxEntries, feed, clock, onEvent } = checkOptions(options)
  const report = teller(onEvent)
  const set = revokedSet(maxEntries)
  const feeding = feed === undefined ? undefined : startFeed(feed, set, clock, report)
  const isStrict = feed?.whenStale === 'refuse'

  return {
    isRevoked(identity) {
      if (set.has(identity, clock)) return true
      if (isStrict && feeding?.state() !== 'current') throw new Error('revocationList: the feed is stale')
      return false
    },
    revoke(revocation) {
      if (set.add(checkRevocation('revocationList: revocation', revocation), clock.now()) !== 'full') return
      throw new RangeError(`revocationList: full with ${maxEntries} revocations; this one is not in effect`)
    },
    get size() {
      return set.size
    },
    get state() {
      return feeding?.state() ?? 'current'
    },
    close: () => feeding?.close(),
  }
}

type CheckedFeed = Pick<RevocationFeed, 'load'> & {
  readonly [Member in 'every' | 'deadline' | 'maxAge']: number
} & { readonly whenStale: 'accept' | 'refuse' }

interface Feeding {
  state(): RevocationList['state']
  close(): void
}

function startFeed(
  { load, every, deadline, maxAge }: CheckedFeed,
  set: RevokedSet,
  clock: Clock,
  report: (event: RevocationEvent) => void,
): Feeding {
  /** When the last good answer was asked for: it may be as old as that. */
  let since: number | undefined
  let isOpen = true
  let cancel: (() => void) | undefined
  let toldStale = false
  const started = clock.now()
  void ask()

  return {
    state,
    close() {
      isOpen = false
      cancel?.()
    },
  }

  function state(): RevocationList['state'] {
    if (clock.now() - (since ?? started) > maxAge) return 'stale'
    return since === undefined ? 'loading' : 'current'
  }

  async function ask(): Promise<void> {
    const askedAt = clock.now()
    const failure = await fill().catch(() => 'error' as const)
    if (!isOpen) return
    if (failure === undefined) since = askedAt
    else report({ type: 'revocations.failed', failure })
    const isStale = state() === 'stale'
    if (isStale !== toldStale) report({ type: isStale ? 'revocations.stale' : 'revocations.current' })
    toldStale = isStale
    cancel = clock.after(every, () => void ask())
  }

  async function fill(): Promise<'deadline' | 'malformed' | 'full' | undefined> {
    const answer = await withDeadline(clock, deadline, load)
    if (answer === LATE) return 'deadline'
    if (!isOpen) return undefined
    let failure: 'malformed' | 'full' | undefined
    let added = 0
    for (const one of answer) {
      const outcome = put(one)
      if (outcome === 'added') added += 1
      else if (outcome !== 'known') failure = outcome
    }
    if (failure === undefined) report({ type: 'revocations.loaded', added, size: set.size })
    return failure
  }

  function put(one: Revocation): 'added' | 'known' | 'malformed' | 'full' {
    try {
      return set.add(checkRevocation('revocation', one), clock.now())
    } catch {
      return 'malformed'
    }
  }
}

function checkOptions(options: RevocationListOptions) {
  checkKnown('revocationList', options, ['maxEntries', 'feed', 'onEvent', 'clock'])
  const { maxEntries = REVOCATION_LIST_DEFAULTS.maxEntries, clock = systemClock, onEvent, feed } = options
  checkMethods('revocationList: clock', clock, ['now', 'after'])
  if (onEvent !== undefined) checkFunction('revocationList: onEvent', onEvent)
  checkInteger('revocationList: maxEntries', maxEntries)
  return { maxEntries, clock, onEvent, feed: feed === undefined ? undefined : checkFeed(feed) }
}

function checkFeed(feed: RevocationFeed): CheckedFeed {
  checkKnown('revocationList: feed', feed, ['load', 'every', 'deadline', 'maxAge', 'whenStale'])
  const given = { ...REVOCATION_LIST_DEFAULTS.feed, ...feed }
  checkFunction('revocationList: feed.load', given.load)
  checkChoice('revocationList: feed.whenStale', given.whenStale, ['accept', 'refuse'])
  const every = milliseconds('revocationList: feed.every', given.every)
  const deadline = milliseconds('revocationList: feed.deadline', given.deadline)
  const maxAge = milliseconds('revocationList: feed.maxAge', given.maxAge)
  // From when one answer was asked for until the next has come: a slow feed that works is not stale.
  if (maxAge <= every + 2 * deadline) {
    throw new TypeError('revocationList: feed.maxAge must be more than feed.every and twice feed.deadline')
  }
  return { load: given.load, every, deadline, maxAge, whenStale: given.whenStale }
}
