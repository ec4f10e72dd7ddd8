import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { ACTIVE, NOW, resultOf, server, TOKEN } from './server.js'

describe('a server that fails', () => {
  const failures: readonly [string, () => Response | Promise<Response>, string][] = [
    ['is away', () => Promise.reject(new Error('away')), 'network'],
    ['refuses our credentials', () => new Response(null, { status: 401 }), 'own-credentials'],
    ['forbids us', () => new Response(null, { status: 403 }), 'own-credentials'],
    ['breaks', () => new Response('{"active":true}', { status: 500 }), 'status'],
    ['sends a page', () => new Response('<html>'), 'malformed'],
    ['sends too much', () => new Response('x'.repeat(70_000)), 'too-large'],
  ]
  for (const [title, respond, failure] of failures) {
    test(`${title}: nobody is let in and no token is called bad`, async () => {
      const { ask, events } = server(respond)
      expect(resultOf(await ask(TOKEN))).toBe('undecided')
      expect(events).toEqual([{ type: 'introspection.failed', failure }])
      expect(JSON.stringify(events)).not.toContain(TOKEN)
    })
  }

  test('hangs: the deadline answers, and ends the call', async () => {
    let signal: AbortSignal | undefined
    const { ask, clock, events } = server((_, init) => {
      signal = init.signal
      return new Promise(() => undefined)
    })
    const verdict = ask(TOKEN)
    await clock.advance(500)
    expect(resultOf(await verdict)).toBe('undecided')
    expect(signal?.aborted).toBe(true)
    expect(events).toEqual([{ type: 'introspection.failed', failure: 'deadline' }])
  })

  test('is left alone after five failures, and tried again with one call', async () => {
    let up = false
    const { ask, clock, calls, events } = server(() =>
      up ? Response.json(ACTIVE) : new Response('', { status: 500 }),
    )
    for (let number = 0; number < 20; number++)
      expect(resultOf(await ask(`token-${number}`))).toBe('undecided')
    expect(calls()).toBe(5)
    expect(events.at(-1)).toEqual({ type: 'introspection.breaker', state: 'open' })
    up = true
    await clock.advance(7_500)
    expect(resultOf(await ask(TOKEN))).toBe('accepted')
    expect(calls()).toBe(6)
    expect(events.at(-1)).toEqual({ type: 'introspection.breaker', state: 'closed' })
  })

  test('an observer that throws changes no verdict', async () => {
    expect(
      resultOf(await server(() => new Response('', { status: 500 }), { onEvent: fails }).ask(TOKEN)),
    ).toBe('undecided')
  })
})

describe('how often the server is asked', () => {
  test('a known token costs no question until its time is over', async () => {
    const { ask, clock, calls } = server(ACTIVE)
    for (let request = 0; request < 10; request++) expect(resultOf(await ask(TOKEN))).toBe('accepted')
    expect(calls()).toBe(1)
    await clock.advance(29_999)
    await ask(TOKEN)
    expect(calls()).toBe(1)
    await clock.advance(1)
    await ask(TOKEN)
    expect(calls()).toBe(2)
  })

  test('a revoked token is refused when its time in the cache is over, at most half of what was left', async () => {
    const answers = [{ ...ACTIVE, exp: NOW + 20 }, { active: false }]
    const { ask, clock } = server(() => Response.json(answers.length > 1 ? answers.shift() : answers[0]))
    expect(resultOf(await ask(TOKEN))).toBe('accepted')
    await clock.advance(9_999)
    expect(resultOf(await ask(TOKEN))).toBe('accepted')
    await clock.advance(1)
    expect(resultOf(await ask(TOKEN))).toBe('inactive')
  })

  test('a refused token costs a question in five seconds', async () => {
    const { ask, clock, calls } = server({ active: false })
    for (let request = 0; request < 10; request++) await ask(TOKEN)
    expect(calls()).toBe(1)
    await clock.advance(5_000)
    await ask(TOKEN)
    expect(calls()).toBe(2)
  })

  test('junk pushes out no good token', async () => {
    const { ask, calls } = server((token) => Response.json(token === TOKEN ? ACTIVE : { active: false }), {
      cache: { maxEntries: 1 },
    })
    await ask(TOKEN)
    for (let number = 0; number < 1_100; number++) await ask(`junk-${number}`)
    const before = calls()
    expect(resultOf(await ask(TOKEN))).toBe('accepted')
    expect(calls()).toBe(before)
  })

  test('requests with one token share a question; with many, few are asked at once', async () => {
    const waiting: ((response: Response) => void)[] = []
    const { ask, calls } = server(() => new Promise((resolve) => waiting.push(resolve)), { maxConcurrent: 2 })
    const shared = [ask(TOKEN), ask(TOKEN), ask(TOKEN)]
    const second = ask('token-2')
    expect(await ask('token-3')).toEqual({ verdict: 'undecided', retryAfter: 1_000 })
    expect(calls()).toBe(2)
    await new Promise((resolve) => setImmediate(resolve))
    for (const answer of waiting) answer(Response.json(ACTIVE))
    expect((await Promise.all([...shared, second])).map(resultOf)).toEqual(
      Array.from({ length: 4 }, () => 'accepted'),
    )
  })

  test('without a cache, every time', async () => {
    const { ask, calls } = server(ACTIVE, { cache: 'off' })
    await ask(TOKEN)
    await ask(TOKEN)
    expect(calls()).toBe(2)
  })

  test('the decision with the cache is the one without it, but for the time an answer is remembered', async () => {
    const step = fc.record({ after: fc.integer({ min: 0, max: 40_000 }), revoke: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        let revokedAt = Number.POSITIVE_INFINITY
        const { ask, clock } = server(() =>
          Response.json(revokedAt === Infinity ? ACTIVE : { active: false }),
        )
        for (const { after, revoke } of steps) {
          await clock.advance(after)
          const now = clock.now()
          if (revoke) revokedAt = Math.min(revokedAt, now)
          const result = resultOf(await ask(TOKEN))
          if (now < revokedAt && now < (NOW + 630) * 1_000) expect(result).toBe('accepted')
          if (now >= revokedAt + 30_000) expect(result).toBe('inactive')
        }
      }),
      { numRuns: 50 },
    )
  })
})

function fails(): never {
  throw new Error('observer')
}
