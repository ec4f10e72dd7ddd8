import { type Clock, systemClock } from '../../clock.js'
import { checkInteger, checkKnown, checkMethods } from '../../options.js'
import { decide } from '../../rate-limit/gcra.js'
import type { RateLimitStore } from '../../rate-limit/store.js'
import { type BudgetTable, budgetTable } from './budget-table.js'

/** Settings of {@link memoryRateLimitStore}. */
export interface MemoryRateLimitStoreOptions {
  /** Default: the clock of the machine. */
  readonly clock?: Clock
  /** How many budgets of each quota are held apart. Default 100,000, about 20 MB. */
  readonly maxEntries?: number
}

/** What an option is when nobody says otherwise. */
export const MEMORY_RATE_LIMIT_DEFAULTS = { maxEntries: 100_000 } as const

/** Budgets in the memory of this process. */
export interface MemoryRateLimitStore extends RateLimitStore {
  /** How many budgets are held, of all quotas together. */
  readonly size: number
}

/**
 * Makes a store in memory: no timers, no sweeps, bounded. When it is full, newcomers share budgets until there is
 * room: some may be limited too early, nobody too late.
 *
 * @throws TypeError when an option can't be right.
 */
export function memoryRateLimitStore(options: MemoryRateLimitStoreOptions = {}): MemoryRateLimitStore {
  checkKnown('memoryRateLimitStore', options, ['clock', 'maxEntries'])
  const { clock = systemClock, maxEntries = MEMORY_RATE_LIMIT_DEFAULTS.maxEntries } = options
  checkMethods('memoryRateLimitStore: clock', clock, ['now'])
  checkInteger('memoryRateLimitStore: maxEntries', maxEntries)
  const tables = new Map<string, BudgetTable>()

  return {
    get size() {
      let size = 0
      for (const table of tables.values()) size += table.size
      return size
    },
    consume(charges) {
      const now = Math.round(clock.now() * 1_000)
      const backlogs = charges.map((charge) => tableOf(charge.quota).backlog(charge, now))
      const decision = decide(charges, backlogs)
      if (decision.outcome === 'admitted') {
        charges.forEach((charge, index) => tableOf(charge.quota).take(charge, backlogs[index] ?? 0, now))
      }
      return decision
    },
  }

  /** Quotas are named by the service, not by requests: there are few. */
  function tableOf(quota: string): BudgetTable {
    let table = tables.get(quota)
    if (table === undefined) tables.set(quota, (table = budgetTable(maxEntries)))
    return table
  }
}
