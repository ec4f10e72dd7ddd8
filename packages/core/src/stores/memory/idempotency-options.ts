import { type Clock, systemClock } from '../../clock.js'
import { checkChoice, checkInteger, checkKnown, checkMethods } from '../../options.js'

/** Settings of a memory idempotency store. */
export interface MemoryIdempotencyStoreOptions {
  /** The most keys at a time, in progress and done. Default 200000. */
  readonly maxEntries?: number
  /** About how many bytes the keys and their answers may take. Default 268435456 (256 MiB). */
  readonly maxBytes?: number
  /** The most keys of one caller; not more than `maxEntries`. Default: a quarter of `maxEntries`. */
  readonly maxEntriesPerShare?: number
  /** About how many bytes one caller's may take; not more than `maxBytes`. Default: a quarter of `maxBytes`. */
  readonly maxBytesPerShare?: number
  /**
   * A key that was made before the store was, or longer ago than the retention, may have been used and forgotten.
   * `refuse`: it is refused if it carries its time (UUID version 7). `ignore`: it is taken as new. Default `refuse`.
   */
  readonly olderKeys?: 'refuse' | 'ignore'
  /** The source of time. Default: the machine's clock. */
  readonly clock?: Clock
}

/** What holds where nothing else is said. */
export const MEMORY_IDEMPOTENCY_DEFAULTS = {
  maxEntries: 200_000,
  maxBytes: 268_435_456,
  olderKeys: 'refuse',
} as const satisfies MemoryIdempotencyStoreOptions

/**
 * About what a cell takes with a record that has no body and no header fields, and with a share of its own, measured.
 * It is charged with the claim, so that there is room for what must be known of an effect.
 */
export const BARE_CELL = 1536

/** How many callers fill a store, where nothing is said of their shares. */
const SHARES = 4

const SHARE = ['maxEntriesPerShare', 'maxBytesPerShare'] as const

/** @throws TypeError that names the option. */
export function checkOptions(
  options: MemoryIdempotencyStoreOptions,
): Required<MemoryIdempotencyStoreOptions> {
  checkKnown('memoryIdempotencyStore', options, [
    ...Object.keys(MEMORY_IDEMPOTENCY_DEFAULTS),
    ...SHARE,
    'clock',
  ])
  const given = { ...MEMORY_IDEMPOTENCY_DEFAULTS, clock: systemClock, ...options }
  const maxEntries = checkInteger('memoryIdempotencyStore: maxEntries', given.maxEntries)
  const maxBytes = checkInteger('memoryIdempotencyStore: maxBytes', given.maxBytes, BARE_CELL)
  const all = {
    maxEntriesPerShare: Math.ceil(maxEntries / SHARES),
    maxBytesPerShare: Math.max(BARE_CELL, Math.ceil(maxBytes / SHARES)),
    ...given,
  }
  checkShare('maxEntriesPerShare', all.maxEntriesPerShare, 1, maxEntries)
  checkShare('maxBytesPerShare', all.maxBytesPerShare, BARE_CELL, maxBytes)
  checkChoice('memoryIdempotencyStore: olderKeys', all.olderKeys, ['refuse', 'ignore'])
  checkMethods('memoryIdempotencyStore: clock', all.clock, ['now', 'after'])
  return all
}

function checkShare(name: (typeof SHARE)[number], value: number, least: number, most: number): void {
  const option = `memoryIdempotencyStore: ${name}`
  if (checkInteger(option, value, least) > most) {
    throw new TypeError(`${option} must not be more than the whole store takes, ${most}; got ${value}`)
  }
}
