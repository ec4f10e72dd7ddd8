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
  /** For how long it can be settled, in microseconds. */
  readonly lasts: number
  /** After how many later calls it is settled, and how often. */
  readonly after: number
  readonly times: number
}

const call: fc.Arbitrary<Call> = fc.integer({ min: 1, max: 20 }).chain((reserved) =>
  fc.record({
    pause: fc.oneof(fc.constant(0), fc.nat(5_000), fc.nat(60_000)),
    reserved: fc.constant(reserved),
    actual: fc.nat(reserved),
    lasts: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 60_000 })),
    after: fc.nat(6),
    times: fc.constantFrom(1, 2),
  }),
)

type Settle = (budget: GcraBudget, id: string, reserved: number, actual: number, now: number) => void

/** What a run of calls admits, dated at its start and at what is charged in the end, and the budget then. */
function run(calls: readonly Call[], settle: Settle) {
  const budget: GcraBudget = { interval, burst, full: 0, reservations: undefined }
  const admitted: { at: number; cost: number }[] = []
  const open: { readonly due: number; readonly index: number; readonly call: Call }[] = []
  let now = 1_000_000
  const settleDue = (index: number): void => {
    for (const one of open.splice(0)) {
      if (one.due > index) open.push(one)
      else {
        const { reserved, actual, times, lasts } = one.call
        const taken = admitted[one.index]
        // What lapsed before it was settled stays charged.
        if (taken !== undefined && now < taken.at + lasts) taken.cost = actual
        for (let time = 0; time < times; time += 1) settle(budget, String(one.index), reserved, actual, now)
      }
    }
  }
  for (const [index, one] of calls.entries()) {
    now += one.pause
    settleDue(index)
    bringBudget(budget, { interval, burst }, now)
    if (backlogOf(budget, now) + interval * one.reserved > interval * burst) continue
    const reservation = { id: String(admitted.length), lapses: now + one.lasts, mark: 0 }
    takeFrom(budget, { interval, burst, cost: one.reserved }, now, reservation)
    open.push({ due: index + one.after, index: admitted.length, call: one })
    admitted.push({ at: now, cost: one.reserved })
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

test('settlement: in any order, more than once or too late, a budget ends as if the real cost had been charged at the start', () => {
  fc.assert(
    fc.property(runs, (calls) => {
      const { budget, admitted } = run(calls, settleGcra)
      expect(budget.full).toBe(fullHadItBeenKnown(admitted))
      expect(budget.reservations ?? []).toHaveLength(0)
    }),
    { numRuns: 1_000 },
  )
})

test('settlement: the real cost never passes the envelope, dated at the start of each call', () => {
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
