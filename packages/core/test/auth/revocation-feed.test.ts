import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { apiKey } from '../../src/auth/api-key.js'
import { apiKeyDigest } from '../../src/auth/api-key-digest.js'
import { memoryApiKeys } from '../../src/auth/api-key-memory.js'
import { authenticate } from '../../src/auth/authenticate.js'
import { createIdentity } from '../../src/auth/identity.js'
import {
  type RevocationEvent,
  type RevocationFeed,
  type RevocationList,
  revocationList,
} from '../../src/auth/revocation-list.js'
import type { Revocation } from '../../src/auth/revoked-set.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { ISSUER, START } from './jwt/tokens.js'

const KEY = 'a-key-of-some-bot-0001'

describe('a feed', () => {
  test('is asked at once and then time and again; what it gave holds though it gives it no more', async () => {
    const { list, clock, answers, events, asked } = feed([[gone('a')], [gone('b')], []])
    await settle()
    expect(isGone(list, 'a')).toBe(true)
    await clock.advance(10_000)
    expect([isGone(list, 'a'), isGone(list, 'b'), list.size]).toEqual([true, true, 2])
    await clock.advance(10_000)
    expect([isGone(list, 'a'), isGone(list, 'b')]).toEqual([true, true])
    expect(asked()).toBe(3)
    answers.push([gone('a'), gone('c')])
    await clock.advance(10_000)
    expect(events.at(-1)).toEqual({ type: 'revocations.loaded', added: 1, size: 3 })
    list.close()
    await clock.advance(60_000)
    expect(asked()).toBe(4)
    expect(clock.pending).toBe(0)
  })

  test('brings what was revoked elsewhere within 14 s, however long its answers take', async () => {
    const taking = fc.array(fc.integer({ min: 0, max: 1_999 }), { minLength: 10, maxLength: 10 })
    await fc.assert(
      fc.asyncProperty(taking, fc.integer({ min: 0, max: 60_000 }), async (delays, at) => {
        const clock = new ManualClock(START)
        const source: Revocation[] = []
        const load = (): Promise<Revocation[]> => {
          const answer = [...source]
          return new Promise((resolve) => void clock.after(delays.shift() ?? 1_999, () => resolve(answer)))
        }
        const list = revocationList({ clock, feed: { load, whenStale: 'refuse' } })
        await clock.advance(at)
        source.push(gone('elsewhere'))
        await clock.advance(14_000)
        expect([isGone(list, 'elsewhere'), list.state]).toEqual([true, 'current'])
        list.close()
      }),
    )
  })

  test('that hangs or fails is asked again, never twice at the same time, and told when it is stale', async () => {
    const { list, clock, answers, events, asked } = feed([[gone('a')], 'hang', 'fail'])
    await settle()
    await clock.advance(10_000 + 1_999)
    expect(asked()).toBe(2)
    await clock.advance(1 + 10_000)
    expect(events.slice(1)).toEqual([
      { type: 'revocations.failed', failure: 'deadline' },
      { type: 'revocations.failed', failure: 'error' },
    ])
    expect(list.state).toBe('current')
    answers.push('fail', 'fail', 'fail', 'fail')
    await clock.advance(38_000)
    expect(list.state).toBe('current')
    await clock.advance(1)
    expect(list.state).toBe('stale')
    await clock.advance(10_000)
    expect(events.filter(({ type }) => type === 'revocations.stale')).toHaveLength(1)
    expect(isGone(list, 'a')).toBe(true)
    answers.push([], [])
    await clock.advance(20_000)
    expect(list.state).toBe('current')
    expect(events.filter(({ type }) => type === 'revocations.current')).toHaveLength(1)
    expect(clock.pending).toBe(1)
  })

  test('that is stale, or was never there, lets pass or refuses, as it was said', async () => {
    const lookup = memoryApiKeys([{ digest: apiKeyDigest(KEY), keyId: 'k1', subject: 'bot' }])
    const statusOf = async ({ isRevoked }: RevocationList): Promise<number> => {
      const exchange = literalExchange({ headers: { 'x-api-key': KEY } })
      const policy = authenticate([apiKey({ lookup, isRevoked })])
      const reply = await policy.handle(exchange, async () => {
        return { kind: 'answer', status: 200, headers: {}, body: null }
      })
      return reply.status
    }
    const strict = feed(['hang', []], { whenStale: 'refuse' })
    const lax = feed(['hang', []])
    expect([strict.list.state, lax.list.state]).toEqual(['loading', 'loading'])
    expect([await statusOf(strict.list), await statusOf(lax.list)]).toEqual([503, 200])
    // What is known to be revoked is no question of the feed.
    strict.list.revoke({ credentialId: 'k1' })
    expect(await statusOf(strict.list)).toBe(401)

    const later = feed([[], 'fail', 'fail', 'fail', 'fail', 'fail', 'fail', []], { whenStale: 'refuse' })
    await settle()
    expect(await statusOf(later.list)).toBe(200)
    await later.clock.advance(60_001)
    expect(await statusOf(later.list)).toBe(503)
    await later.clock.advance(10_000)
    expect(await statusOf(later.list)).toBe(200)
  })

  test('that gives junk or too much: what is good and fits is held, and it counts as failed', async () => {
    const junk = feed([[{ jti: 'x' } as never, gone('a'), null as never]])
    await settle()
    expect([isGone(junk.list, 'a'), junk.list.state]).toEqual([true, 'loading'])
    expect(junk.events).toEqual([{ type: 'revocations.failed', failure: 'malformed' }])
    const none = feed([undefined as never])
    await settle()
    expect(none.events).toEqual([{ type: 'revocations.failed', failure: 'error' }])
    const full = feed([[gone('a'), gone('b'), gone('c'), gone('a')]], {}, 2)
    await settle()
    expect(['a', 'b', 'c'].map((id) => isGone(full.list, id))).toEqual([true, true, false])
    expect(full.events).toEqual([{ type: 'revocations.failed', failure: 'full' }])
  })

  test('is not heard any more once the list is closed, nor after its deadline', async () => {
    let give: ((answer: Revocation[]) => void) | undefined
    const clock = new ManualClock(START)
    const signals: AbortSignal[] = []
    const load: RevocationFeed['load'] = (signal) => {
      signals.push(signal)
      return new Promise((resolve) => (give = resolve))
    }
    const list = revocationList({ clock, feed: { load } })
    await clock.advance(2_000)
    expect(signals[0]?.aborted).toBe(true)
    give?.([gone('late')])
    await settle()
    expect(isGone(list, 'late')).toBe(false)
    await clock.advance(10_000)
    list.close()
    give?.([gone('closed')])
    await settle()
    expect(isGone(list, 'closed')).toBe(false)
    expect(clock.pending).toBe(0)
  })

  test('an observer that throws ends nothing', async () => {
    const clock = new ManualClock(START)
    let asked = 0
    const load = async (): Promise<Revocation[]> => {
      asked += 1
      return []
    }
    revocationList({ clock, onEvent: faulty, feed: { load } })
    await settle()
    await clock.advance(10_000)
    expect(asked).toBe(2)
  })
})

type FeedAnswer = readonly Revocation[] | 'hang' | 'fail'

function feed(given: readonly FeedAnswer[], more: Partial<RevocationFeed> = {}, max = 100) {
  const clock = new ManualClock(START)
  const answers = [...given]
  const events: RevocationEvent[] = []
  let asked = 0
  const load = async (): Promise<readonly Revocation[]> => {
    asked += 1
    const answer = answers.shift()
    if (answer === 'hang') return new Promise(() => undefined)
    if (answer === 'fail') throw new Error('away')
    return answer as readonly Revocation[]
  }
  const onEvent = (event: RevocationEvent): void => void events.push(event)
  const list = revocationList({ clock, maxEntries: max, onEvent, feed: { load, ...more } })
  return { list, clock, answers, events, asked: () => asked }
}

function faulty(): never {
  throw new Error('observer')
}

function gone(credentialId: string): Revocation {
  return { credentialId, issuer: ISSUER }
}

function isGone(list: RevocationList, credentialId: string): boolean {
  return list.isRevoked(createIdentity({ scheme: 'jwt', subject: 's', issuer: ISSUER, credentialId }))
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
