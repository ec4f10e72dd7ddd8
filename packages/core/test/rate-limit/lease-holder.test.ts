import { describe, expect, test } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import { leased, type LeaseOptions } from '../../src/rate-limit/leased.js'
import type { BudgetStore, RateLimitCharge } from '../../src/rate-limit/store.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const ONE: RateLimitCharge = { quota: 'q', key: 'ann', interval: 60_000_000, burst: 400, cost: 1 }

/** A process on a store that answers a turn of the event loop later, or when it is told to. */
function process(options: LeaseOptions = {}) {
  const clock = new ManualClock()
  const memory = memoryRateLimitStore({ clock })
  const sizes: number[] = []
  let answered: Promise<unknown> | undefined
  let settled = 0
  let isBroken = false
  const store: BudgetStore = {
    ...memory,
    consume(charges, asked) {
      if (isBroken) throw new Error('broken')
      sizes.push(charges[0]?.cost ?? 0)
      const decision = memory.consume(charges, asked)
      return (answered ?? turn()).then(() => decision)
    },
    async settle(receipt, costs) {
      await turn()
      await memory.settle(receipt, costs)
      settled += 1
    },
  }
  const node = leased(store, { clock, ...options })
  const press = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      expect((await node.consume([ONE])).outcome).toBe('admitted')
    }
  }
  return {
    clock,
    node,
    sizes,
    press,
    settled: () => settled,
    setBroken: (now: boolean) => void (isBroken = now),
    answerAfter: (event: Promise<unknown>) => void (answered = event),
    left: async () => (await memory.consume([{ ...ONE, cost: 0 }])).quotas[0]?.remaining,
  }
}

describe('a process that takes units ahead', () => {
  test('gives back at its end what those who wait made be asked for', async () => {
    const { node, left } = process()
    let given = 0
    const consume = async (): Promise<void> => {
      if ((await node.consume([ONE])).outcome === 'admitted') given += 1
    }
    // Until the last full lease is used up.
    for (;;) {
      const decision = node.consume([ONE])
      given += 1
      if (decision instanceof Promise && given > 100) break
      await decision
    }
    // They leave less than an eighth of the next.
    const waiting = Array.from({ length: 46 }, consume)
    await node.giveBack()
    await Promise.all(waiting)
    expect(await left()).toBe(400 - given)
  })

  test('waits at its end until the store has what goes back', async () => {
    const { node, press, settled, left } = process()
    await press(100)
    const before = settled()
    await node.giveBack()
    expect(settled()).toBeGreaterThan(before)
    expect(await left()).toBe(300)
  })

  test('counts their time from its question on: an answer that is late makes them no younger', async () => {
    const { clock, node, press, sizes, answerAfter } = process({ ttl: 100 })
    await press(3)
    let answer: (() => void) | undefined
    answerAfter(new Promise<void>((resolve) => (answer = resolve)))
    const waiting = node.consume([ONE])
    clock.step(clock.now() + 60)
    answer?.()
    expect((await waiting).outcome).toBe('admitted')
    expect(node.consume([ONE])).not.toBeInstanceOf(Promise)
    clock.step(clock.now() + 40)
    const asked = sizes.length
    await node.consume([ONE])
    expect(sizes.length).toBe(asked + 1)
  })

  test('goes on after a store that failed at once, without an answer to wait for', async () => {
    const { node, press, setBroken } = process()
    await press(3)
    setBroken(true)
    await expect(async () => node.consume([ONE])).rejects.toThrow('broken')
    setBroken(false)
    await press(20)
  })

  test('takes what was used of the last ones, when it was not all of them', async () => {
    const { clock, press, sizes } = process()
    await press(150)
    expect(Math.max(...sizes)).toBeGreaterThan(40)
    const slowly = async (): Promise<void> => {
      for (let times = 0; times < 8; times += 1) {
        await clock.advance(100)
        await press(2)
      }
    }
    await slowly()
    sizes.length = 0
    await slowly()
    expect(sizes.length).toBeGreaterThan(1)
    expect(Math.max(...sizes)).toBeLessThan(20)
  })
})
