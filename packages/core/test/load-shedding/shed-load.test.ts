import { describe, expect, test } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import type { LoadPriority } from '../../src/load-shedding/events.js'
import { eventLoopGauge } from '../../src/load-shedding/event-loop-gauge.js'
import { shedLoad, type ShedLoadOptions } from '../../src/load-shedding/shed-load.js'
import type { Answer, Reply } from '../../src/reply.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const OK: Answer = { kind: 'answer', status: 200, headers: {}, body: null }

function setUp(options: ShedLoadOptions) {
  const policy = shedLoad({ priority: ({ path }) => path.slice(1) as LoadPriority, ...options })
  const waiting: ((reply: Reply) => void)[] = []
  /** Sends a request that stays in flight; whether it was let in. */
  const start = async (priority: LoadPriority = 'normal') => {
    const exchange = literalExchange({ path: `/${priority}` })
    let isRefused = false
    const reply = policy.handle(exchange, () => new Promise((resolve) => void waiting.push(resolve)))
    void reply.then(({ kind }) => (isRefused = kind === 'refusal'))
    await turn()
    return { isRefused, reply, exchange }
  }
  return { start, finish: () => waiting.shift()?.(OK) }
}

describe('under pressure of requests in flight', () => {
  test('the lowest class is refused first, and room is kept for the highest to the end', async () => {
    const { start } = setUp({ maxInFlight: 10 })
    const refused: string[] = []
    for (const [count, priority] of [
      [5, 'low'],
      [1, 'low'],
      [3, 'normal'],
      [1, 'normal'],
      [2, 'critical'],
      [1, 'critical'],
    ] as const) {
      let admitted = 0
      for (let times = 0; times < count; times += 1) {
        if (!(await start(priority)).isRefused) admitted += 1
      }
      refused.push(`${priority} ${admitted}/${count}`)
    }
    expect(refused).toEqual([
      'low 5/5',
      'low 0/1',
      'normal 3/3',
      'normal 0/1',
      'critical 2/2',
      'critical 0/1',
    ])
  })

  test('a refusal says when to come back, and observers hear why', async () => {
    const { start } = setUp({ maxInFlight: 1, retryAfter: '1500ms' })
    await start()
    const { reply, exchange } = await start()
    expect(await reply).toMatchObject({ code: 'overloaded', status: 503, headers: { 'retry-after': '2' } })
    expect(exchange.events).toEqual([{ type: 'load.shed', priority: 'normal', inFlight: 1, delay: 0 }])
  })

  test('what ended makes room', async () => {
    const { start, finish } = setUp({ maxInFlight: 1 })
    await start()
    expect((await start()).isRefused).toBe(true)
    finish()
    await turn()
    expect((await start()).isRefused).toBe(false)
  })
})

test('a class that is none is an error, and not let in over all others', async () => {
  const policy = shedLoad({ maxDelay: 100, gauge: { delay: () => 60 }, priority: () => 'high' as 'low' })
  await expect(policy.handle(literalExchange(), () => Promise.reject(new Error('let in')))).rejects.toThrow(
    /shedLoad: what priority returns must be one of/,
  )
})

test('a late event loop sheds load, by the injected gauge', async () => {
  let delay = 0
  const { start } = setUp({ maxDelay: 100, gauge: { delay: () => delay } })
  expect((await start('low')).isRefused).toBe(false)
  delay = 60
  expect((await start('low')).isRefused).toBe(true)
  expect((await start('normal')).isRefused).toBe(false)
  delay = 100
  expect((await start('critical')).isRefused).toBe(true)
})

test('the gauge rises with how late timers come, and falls again', async () => {
  const clock = new ManualClock()
  const gauge = eventLoopGauge(clock)
  await clock.advance(500)
  expect(gauge.delay()).toBe(0)
  clock.step(clock.now() + 400)
  await clock.advance(0)
  expect(gauge.delay()).toBeGreaterThan(150)
  await clock.advance(500)
  expect(gauge.delay()).toBeLessThan(1)
})

test.each<[string, object, RegExp]>([
  ['nothing to measure', {}, /needs maxInFlight or maxDelay/],
  ['a typo', { maxInflight: 1 }, /unknown option/],
  ['no room', { maxInFlight: 0 }, /maxInFlight/],
  ['no delay', { maxDelay: '0ms' }, /maxDelay/],
])('%s is a TypeError', (_name, options, message) => {
  expect(() => shedLoad(options)).toThrow(message)
})
