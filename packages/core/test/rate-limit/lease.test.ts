import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { admittedBy, type Lease, leases } from '../../src/rate-limit/lease.js'

function lease(init: Partial<Lease> = {}): Lease {
  const units = init.units ?? 10
  return {
    quotas: [{ remaining: 90, renewal: 5, wait: 0 }],
    receipt: { id: 'r', charges: [] },
    units,
    until: 100,
    left: units,
    ...init,
  }
}

const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), units: fc.integer({ min: 1, max: 30 }), lives: fc.nat(50) }),
  fc.record({ do: fc.constant('take' as const), cost: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ do: fc.constant('take' as const), cost: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ do: fc.constant('wait' as const), time: fc.nat(30) }),
  fc.record({ do: fc.constant('end' as const) }),
)

describe('lease', () => {
  test('every unit is given out once and in its time, or goes back, in any order of things', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        let [now, charged, given, back] = [0, 0, 0, 0]
        const ended = new Set<Lease>()
        const held = leases((one) => {
          expect(ended.has(one)).toBe(false)
          expect(one.left).toBeGreaterThan(0)
          ended.add(one)
          back += one.left
        })
        for (const next of [...steps, { do: 'end' as const }]) {
          if (next.do === 'wait') now += next.time
          if (next.do === 'end') held.end()
          if (next.do === 'add') {
            charged += next.units
            held.add(lease({ units: next.units, until: now + next.lives }), now, undefined)
          }
          if (next.do === 'take') {
            const from = held.take(next.cost, now)
            if (from === undefined) continue
            given += next.cost
            expect(from.left).toBeGreaterThanOrEqual(0)
            expect(now).toBeLessThan(from.until)
            expect(ended.has(from)).toBe(false)
          }
        }
        expect(given + back).toBe(charged)
      }),
    )
  })

  test('the next is given out when the last is used up, or has not enough for a request', () => {
    const back: number[] = []
    const held = leases(({ left }) => void back.push(left))
    const [first, second] = [lease({ units: 5 }), lease({ units: 9 })]
    held.add(first, 0, undefined)
    held.add(second, 0, undefined)
    expect(held.take(3, 0)).toBe(first)
    expect(held.isFollowed()).toBe(true)
    expect(held.take(3, 0)).toBe(second)
    expect([back, held.isFollowed()]).toEqual([[2], false])
    expect(held.take(7, 0)).toBeUndefined()
    expect(held.take(6, 0)).toBe(second)
    expect(held.current()).toBeUndefined()
  })

  test('one that is used up gives its place in the store to the one that is charged next, once', () => {
    const held = leases(() => undefined)
    const [first, second] = [lease({ units: 1 }), lease({ units: 1 })]
    held.add(first, 0, held.used())
    held.take(1, 0)
    const replaced = held.used()
    expect(replaced).toBe(first.receipt)
    held.add(second, 0, replaced)
    expect(held.used()).toBeUndefined()
  })

  test('budgets stand for this process with what it has ahead', () => {
    const quotas = [
      { remaining: 90, renewal: 5, wait: 0 },
      { remaining: 3, renewal: 7, wait: 0 },
    ]
    expect(admittedBy(lease({ quotas, units: 10, left: 4 }), true)).toEqual({
      isRemembered: true,
      outcome: 'admitted',
      quotas: [
        { remaining: 94, renewal: 5, wait: 0 },
        { remaining: 7, renewal: 7, wait: 0 },
      ],
    })
  })
})
