import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  backlogOf,
  bringBudget,
  type GcraBudget,
  settleGcra,
  takeFrom,
} from '../../src/rate-limit/gcra-budget.js'

const interval = 1_000
const burst = 50

interface Call {
  readonly pause: number
  readonly reserved: number
  readonly actual: number
  /** After how many later calls it is settled, and how often. */
  readonly after: number
  readonly times: number
}

const call: fc.Arbitrary<Call> = fc.integer({ min: 1, max: 20 }).chain((reserved) =>
  fc.record({
    pause: fc.oneof(fc.constant(0), fc.nat(5_000), fc.nat(60_000)),
    reserved: fc.constant(reserved),
    actual: fc.nat(reserved),
    after: fc.nat(6),
    times: fc.constantFrom(1, 2),
  }),
)

type Settle = (budget: GcraBudget, id: string, reserved: number, actual: number, now: number) => void

/** What a run of calls admits, dated at its start and at its real cost, and the budget in the end. */
function run(calls: readonly Call[], settle: Settle) {
  const budget: GcraBudget = { interval, burst, full: 0, reservations: undefined }
  const admitted: { at: number; cost: number }[] = []
  const open: { readonly due: number; readonly id: string; readonly call: Call }[] = []
  let now = 1_000_000
  const settleDue = (index: number): void => {
    for (const one of open.splice(0)) {
      if (one.due > index) open.push(one)
      else
        for (let time = 0; time < one.call.times; time += 1)
          settle(budget, one.id, one.call.reserved, one.call.actual, now)
    }
  }
  for (const [index, one] of calls.entries()) {
    now += one.pause
    settleDue(index)
    bringBudget(budget, { interval, burst }, now)
    if (backlogOf(budget, now) + interval * one.reserved > interval * burst) continue
    const id = String(index)
    takeFrom(budget, { interval, burst, cost: one.reserved }, now, { id, lapses: Infinity, mark: 0 })
    admitted.push({ at: now, cost: one.actual })
    open.push({ due: index + one.after, id, call: one })
  }
  settleDue(Number.POSITIVE_INFINITY)
  return { budget, admitted }
}

/** When the budget would be full had every admitted call taken its real cost at its start. */
function fullHadItBeenKnown(admitted: readonly { at: number; cost: number }[]): number {
  return admitted.reduce((full, { at, cost }) => Math.max(full, at) + interval * cost, 0)
}

function worstExcess(admitted: readonly { at: number; cost: number }[]): number {
  let worst = -burst
  for (const [index, { at: from }] of admitted.entries()) {
    let sum = 0
    for (const { at, cost } of admitted.slice(index)) {
      sum += cost
      worst = Math.max(worst, sum - burst - (at - from) / interval)
    }
  }
  return worst
}

const runs = fc.array(call, { maxLength: 60, size: 'max' })

test('settled in any order, and more than once, a budget ends as if the real cost had been charged at the start', () => {
  fc.assert(
    fc.property(runs, (calls) => {
      const { budget, admitted } = run(calls, settleGcra)
      expect(budget.full).toBe(fullHadItBeenKnown(admitted))
      expect(budget.reservations ?? []).toHaveLength(0)
    }),
    { numRuns: 1_000 },
  )
})

test('the real cost never passes the envelope, dated at the start of each call', () => {
  fc.assert(
    fc.property(runs, (calls) => {
      expect(worstExcess(run(calls, settleGcra).admitted)).toBeLessThanOrEqual(0)
    }),
    { numRuns: 500 },
  )
})

const naive: Settle = (budget, _id, reserved, actual) => {
  budget.full -= interval * (reserved - actual)
}

test('the difference simply given back does pass it: the property can fail', () => {
  const { failed } = fc.check(
    fc.property(runs, (calls) => worstExcess(run(calls, naive).admitted) <= 0),
    { numRuns: 2_000 },
  )
  expect(failed).toBe(true)
})
