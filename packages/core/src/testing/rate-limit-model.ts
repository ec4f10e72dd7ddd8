import type { Clock } from '../clock.js'
import type { CalendarRate, GcraRate, WindowRate } from '../rate-limit/rate.js'
import { MOST_RESERVATIONS } from '../rate-limit/store.js'
import type { QuotaState, RateLimitCharge, RateLimitStore } from '../rate-limit/store.js'
import { stretchesOf } from './rate-limit-model-windows.js'
import { modelSlots } from './slot-model.js'

/** One charge that was taken. Times are microseconds. */
interface Taken {
  at: number
  units: number
  /** Took nothing from the start. Settled to 0 is something else: the budget was in use at that time. */
  readonly isLook?: boolean
  /** Set while it can be settled. */
  id?: string | undefined
  readonly lapses: number
}

/** One budget of the model: all that was ever taken from it. Nothing is summed up, so a settled charge is just changed. */
interface Cell {
  log: Taken[]
  /** Of GCRA: what was owed when the log began. */
  base: number
  interval: number
  burst: number
  /** Of a window: the stretch in which something was taken last. */
  newest: number
}

/**
 * What every store must decide, written for reading: charges are kept in a list and everything is computed from it,
 * nothing is bounded, nothing is shared with the stores it is compared to.
 */
export function modelRateLimitStore(clock: Clock): RateLimitStore {
  const cells = new Map<string, Cell>()
  const blocked = new Map<string, { until: number; duration: number }>()
  let ids = 0
  const microseconds = (): number => Math.round(clock.now() * 1_000)

  return {
    ...modelSlots(clock),
    consume(charges, { reserve = 0, replaces } = {}) {
      const now = microseconds()
      const accounts = charges.map((charge) => accountOf(cellOf(charge, now), charge, now))
      const waits = charges.map(({ key, burst, cost }, index) => {
        const wait = cost > burst ? Number.POSITIVE_INFINITY : (accounts[index] as Account).untilFits(cost)
        return Math.max(wait, blockLeft(key, now))
      })
      const isAdmitted = waits.every((wait) => wait === 0)
      const id = `model-${(ids += 1)}`
      if (isAdmitted) {
        for (const charge of charges) {
          const cell = cellOf(charge, now)
          const { log } = cell
          if (charge.cost > 0 || reserve > 0) noteStretch(cell, charge, now)
          const replaced = log.find((one) => reserve > 0 && one.id !== undefined && one.id === replaces?.id)
          if (replaced !== undefined) replaced.id = undefined
          log.push({
            at: now,
            units: charge.cost,
            isLook: charge.cost === 0,
            id: reserve > 0 ? id : undefined,
            lapses: now + reserve * 1_000,
          })
          if (reserve > 0) closeOthers(log, now)
        }
      }
      const quotas = charges.map((charge, index): QuotaState => {
        const account = accountOf(cellOf(charge, now), charge, now)
        const left = blockLeft(charge.key, now)
        return {
          remaining: left > 0 ? 0 : account.remaining,
          renewal: Math.max(account.renewal, left),
          wait: waits[index] ?? 0,
        }
      })
      if (waits.includes(Number.POSITIVE_INFINITY)) return { outcome: 'impossible', quotas }
      if (!isAdmitted) {
        const wait = Math.max(...waits)
        const isBlocked = charges.some(({ key }) => blockLeft(key, now) > 0)
        return isBlocked
          ? { outcome: 'denied', quotas, wait, isBlocked }
          : { outcome: 'denied', quotas, wait }
      }
      return reserve > 0
        ? { outcome: 'admitted', quotas, receipt: { id, charges } }
        : { outcome: 'admitted', quotas }
    },
    settle({ id, charges }, costs) {
      const now = microseconds()
      for (const [index, charge] of charges.entries()) {
        const cell = cells.get(nameOf(charge))
        if (cell === undefined) continue
        bound(cell, charge, now)
        const taken = cell.log.find((one) => one.id === id)
        if (taken === undefined) continue
        taken.id = undefined
        if (taken.lapses <= now) continue
        const more = (costs[index] ?? charge.cost) - taken.units
        if (more <= 0) taken.units += more
        else {
          const units = roomFor(cell, charge, more, now)
          noteStretch(cell, charge, now)
          cell.log.push({ at: now, units, isLook: units === 0, lapses: 0 })
        }
      }
    },
    block(key, duration) {
      blocked.set(key, { until: microseconds() + duration * 1_000, duration: duration * 1_000 })
    },
  }

  /** The budget of a charge, brought to now and to the charge's rate. */
  function cellOf(charge: RateLimitCharge, now: number): Cell {
    const name = nameOf(charge)
    const interval = isGcra(charge) ? charge.interval : 0
    const cell = cells.get(name) ?? { log: [], base: 0, interval, burst: charge.burst, newest: 0 }
    cells.set(name, cell)
    bound(cell, charge, now)
    if (isGcra(charge)) {
      // The same units under another rate, and never more than the burst.
      const owed = Math.max(0, fullAt(cell) - now)
      const same = cell.interval === interval
      const carried = Math.min(
        same ? owed : Math.ceil((owed / cell.interval) * interval),
        interval * charge.burst,
      )
      if (!same || carried !== owed) restart(cell, carried === 0 ? 0 : now + carried)
      cell.interval = interval
    }
    cell.burst = charge.burst
    return cell
  }

  function blockLeft(key: string, now: number): number {
    const block = blocked.get(key)
    if (block === undefined) return 0
    block.until = Math.min(block.until, now + block.duration)
    if (block.until <= now) blocked.delete(key)
    return Math.max(0, block.until - now)
  }
}

interface Account {
  readonly remaining: number
  readonly renewal: number
  untilFits(cost: number): number
}

function accountOf(cell: Cell, charge: RateLimitCharge, now: number): Account {
  if (!isGcra(charge)) return windowAccount(cell, charge, now)
  const { interval, burst } = charge
  const owed = Math.max(0, fullAt(cell) - now)
  const remaining = Math.floor((interval * burst - owed) / interval)
  return {
    remaining,
    renewal: owed === 0 ? 0 : owed - interval * (burst - remaining - 1),
    untilFits: (cost) => Math.max(0, owed + interval * cost - interval * burst),
  }
}

function windowAccount({ log }: Cell, rate: WindowRate | CalendarRate, now: number): Account {
  const { stretchAt, behind, startOf } = stretchesOf(rate)
  const endOf = ({ at }: Taken): number => startOf(stretchAt(at) + behind + 1)
  const usedAt = (time: number): number =>
    log.filter((one) => endOf(one) > time).reduce((sum, one) => sum + one.units, 0)
  const ends = [...new Set(log.map(endOf))].filter((end) => end > now).toSorted((a, b) => a - b)
  const firstWith = (units: number): number => {
    if (usedAt(now) <= units) return 0
    return (ends.find((end) => usedAt(end) <= units) ?? now) - now
  }
  const used = usedAt(now)
  const remaining = Math.max(0, rate.burst - used)
  return {
    remaining,
    renewal: used === 0 ? 0 : firstWith(Math.min(rate.burst, used) - 1),
    untilFits: (cost) => (cost === 0 ? 0 : firstWith(rate.burst - cost)),
  }
}

/** When a budget of GCRA is full again, from its first charge on. */
function fullAt({ log, base, interval }: Cell): number {
  return log.reduce((full, { at, units, isLook = false }) => {
    return isLook ? full : Math.max(full, at) + Math.round(interval * units)
  }, base)
}

/** What a clock that steps back finds in the future counts as taken now, and at most a burst of it. */
function bound(cell: Cell, charge: RateLimitCharge, now: number): void {
  if (isGcra(charge)) {
    const latest = now + cell.interval * cell.burst
    if (fullAt(cell) > latest) restart(cell, latest)
    return
  }
  const { stretchAt, behind } = stretchesOf(charge)
  const stretch = stretchAt(now)
  if (stretch < cell.newest) {
    cell.log = cell.log
      .filter(({ at }) => stretchAt(at) >= cell.newest - behind)
      .map(({ units }) => ({ at: now, units, lapses: 0 }))
    cell.newest = stretch
  }
}

/** Who only looks leaves a budget as it was, the time it was seen last too. */
function noteStretch(cell: Cell, charge: RateLimitCharge, now: number): void {
  if (!isGcra(charge)) cell.newest = stretchesOf(charge).stretchAt(now)
}

function restart(cell: Cell, full: number): void {
  cell.base = full
  cell.log = []
}

/** Of so many units more, those that a budget has left, as far as its burst goes. */
function roomFor(cell: Cell, charge: RateLimitCharge, units: number, now: number): number {
  if (!isGcra(charge)) {
    return Math.min(units, windowAccount(cell, { ...charge, burst: cell.burst }, now).remaining)
  }
  return Math.min(units, (cell.interval * cell.burst - Math.max(0, fullAt(cell) - now)) / cell.interval)
}

/** A new reservation ends those that lapsed, for good: no step of the clock brings them back. And the oldest of too many. */
function closeOthers(log: readonly Taken[], now: number): void {
  const open = log.filter(({ id, lapses }) => id !== undefined && lapses > now)
  const kept = new Set(open.slice(-MOST_RESERVATIONS))
  for (const one of log) if (!kept.has(one)) one.id = undefined
}

function isGcra<T extends RateLimitCharge>(charge: T): charge is T & GcraRate {
  return charge.algorithm === undefined || charge.algorithm === 'gcra'
}

function nameOf(charge: RateLimitCharge): string {
  const window = isGcra(charge) ? 'gcra' : stretchesOf(charge).name
  return JSON.stringify([charge.quota, charge.key, window])
}
