import { type Clock, systemClock } from '../../clock.js'
import { randomId } from '../../id.js'
import { checkInteger, checkKnown, checkMethods } from '../../options.js'
import { decide } from '../../rate-limit/decision.js'
import type { RateLimitCharge, RateLimitStore } from '../../rate-limit/store.js'
import { blocks } from './blocks.js'
import { type BudgetKind, gcraKind, shapeOf, windowKind } from './budget-kind.js'
import { type BudgetTable, budgetTable, type HeldBudget } from './budget-table.js'
import { memorySlots } from './slots.js'

/** Settings of {@link memoryRateLimitStore}. */
export interface MemoryRateLimitStoreOptions {
  /** Default: the clock of the machine. */
  readonly clock?: Clock
  /** How many budgets of each quota are held apart, how many blocks, and slots of how many keys. Default 100,000. */
  readonly maxEntries?: number
}

/** What an option is when nobody says otherwise. */
export const MEMORY_RATE_LIMIT_DEFAULTS = { maxEntries: 100_000 } as const

/** Budgets and slots in the memory of this process. It answers at once. */
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
  const blocked = blocks(maxEntries)
  const microseconds = (): number => Math.round(clock.now() * 1_000)

  return {
    ...memorySlots(clock, maxEntries),
    get size() {
      let size = 0
      for (const table of tables.values()) size += table.size
      return size
    },
    consume(charges, { reserve = 0, replaces } = {}) {
      const now = microseconds()
      const places = charges.map((charge) => {
        const table = tableOf(charge)
        return { table, budget: table.find(charge, now) }
      })
      const levels = places.map(({ table, budget }) => table.level(budget, now))
      const decision = decide(charges, levels, now, blockedTimes(charges, now))
      if (decision.outcome !== 'admitted') return decision

      const id = reserve > 0 ? randomId() : ''
      const lapses = now + Math.round(reserve * 1_000)
      for (const [index, { table, budget }] of places.entries()) {
        const charge = charges[index] as RateLimitCharge
        table.take(
          budget,
          charge,
          now,
          reserve > 0 ? { id, lapses, mark: 0, replaces: replaces?.id } : undefined,
        )
      }
      return reserve > 0 ? { ...decision, receipt: { id, charges } } : decision
    },
    settle({ id, charges }, costs) {
      const now = microseconds()
      for (const [index, charge] of charges.entries()) {
        tableOf(charge).settle(charge, id, costs[index] ?? charge.cost, now)
      }
    },
    block: (key, duration) => blocked.set(key, Math.round(duration * 1_000), microseconds()),
  }

  function blockedTimes(charges: readonly RateLimitCharge[], now: number): readonly number[] | undefined {
    return blocked.size === 0 ? undefined : charges.map(({ key }) => blocked.left(key, now))
  }

  /** Quotas are named by the service, not by requests: there are few. */
  function tableOf(charge: RateLimitCharge): BudgetTable {
    const shape = shapeOf(charge)
    const name =
      shape === undefined ? `gcra ${charge.quota}` : `${shape.width} ${shape.behind} ${charge.quota}`
    let table = tables.get(name)
    if (table === undefined) {
      table = shape === undefined ? tableFor(gcraKind) : tableFor(windowKind(shape))
      tables.set(name, table)
    }
    return table
  }

  function tableFor<B extends HeldBudget>(kind: BudgetKind<B>): BudgetTable {
    return budgetTable(kind, maxEntries) as BudgetTable
  }
}
