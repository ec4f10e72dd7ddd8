import { describe, expect, test } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import { leased, type LeaseOptions } from '../../src/rate-limit/leased.js'
import type { BudgetStore, RateLimitCharge } from '../../src/rate-limit/store.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { redisRateLimitStore } from '../../src/stores/redis/index.js'
import type { StoreUnavailable } from '../../src/stores/unavailable.js'
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

/** A process on a store that takes its time, and says how long a decision may take. */
function slowProcess(delay: number, deadline = 50) {
  const clock = new ManualClock()
  const memory = memoryRateLimitStore({ clock })
  let alone = 0
  let takes = delay
  const store: BudgetStore = {
    ...memory,
    decidesWithin: deadline,
    async consume(charges, asked) {
      if (asked?.reserve === undefined) alone += 1
      await new Promise<void>((resolve) => void clock.after(takes, resolve))
      return memory.consume(charges, asked)
    },
  }
  const node = leased(store, { clock })
  const ends: string[] = []
  const send = (times: number): void => {
    for (let time = 0; time < times; time += 1) {
      Promise.resolve(node.consume([ONE])).then(
        ({ outcome }) => ends.push(outcome),
        (error: unknown) => ends.push((error as StoreUnavailable).reason),
      )
    }
  }
  const advance = async (duration: number): Promise<void> => {
    await clock.advance(duration)
    await turn()
    await turn()
  }
  const setDelay = (now: number): void => void (takes = now)
  return { clock, memory, node, ends, send, advance, setDelay, alone: () => alone }
}

describe('a decision with units taken ahead', () => {
  test('has the deadline of its store, however many wait for units and however often', async () => {
    const { ends, send, advance } = slowProcess(30)
    send(300)
    await advance(49)
    await advance(1)
    expect(ends).toHaveLength(300)
    expect(new Set(ends)).toEqual(new Set(['admitted', 'deadline']))
  })

  test('that nobody waits for any more takes no units', async () => {
    const { memory, node, ends, send, advance, setDelay, alone } = slowProcess(1)
    send(1)
    await advance(1)
    send(2)
    await advance(1)
    setDelay(20)
    send(60)
    // Those who wait once more wait for longer than they have time.
    setDelay(45)
    await advance(50)
    expect(ends).toHaveLength(63)
    const byThemselves = alone()
    await advance(1_000)
    await Promise.all([node.giveBack(), advance(100)])
    // Units come back one a minute: what is missing was given out, or charged by a call of its own that came late.
    const { quotas } = await memory.consume([{ ...ONE, cost: 0 }])
    const admitted = ends.filter((end) => end === 'admitted').length
    expect(ends.length - admitted).toBeGreaterThan(byThemselves - 1)
    expect(quotas[0]?.remaining).toBe(400 - (admitted - 1) - byThemselves)
  })

  test('does not wait for units where its own call is faster', async () => {
    const { ends, send, advance } = slowProcess(20)
    send(1)
    await advance(20)
    send(2)
    await advance(20)
    ends.length = 0
    // More than the next lease has, of which it is known by now how long it takes.
    send(100)
    await advance(20)
    await advance(20)
    expect(ends).toEqual(Array(100).fill('admitted'))
  })

  test('of a store that says no deadline waits as long as it must', async () => {
    const { clock, memory } = slowProcess(0)
    const store: BudgetStore = {
      ...memory,
      consume: async (charges, asked) => {
        await new Promise<void>((resolve) => void clock.after(1_000, resolve))
        return memory.consume(charges, asked)
      },
    }
    const node = leased(store, { clock, ttl: '10s' })
    const all = Promise.all(Array.from({ length: 60 }, async () => node.consume([ONE])))
    for (let second = 0; second < 6; second += 1) await clock.advance(1_000)
    expect((await all).every(({ outcome }) => outcome === 'admitted')).toBe(true)
  })
})

const ask = () => Promise.reject(new Error('not asked'))

test('a store over Redis says its deadline', () => {
  const client = { status: 'ready', options: {}, connect: ask, evalsha: ask, eval: ask }
  const buffers = { evalshaBuffer: ask, evalBuffer: ask }
  const store = redisRateLimitStore({ ...client, ...buffers }, { deadline: '70ms' })
  expect(store.decidesWithin).toBe(70)
})

test.each([Number.NaN, 0, Number.POSITIVE_INFINITY])(
  'a store that decides within %d ms is a TypeError',
  (decidesWithin) => {
    const store = { ...memoryRateLimitStore(), decidesWithin }
    expect(() => leased(store)).toThrow(TypeError)
    expect(() => leased(store)).toThrow('leased: store.decidesWithin must be milliseconds')
  },
)
