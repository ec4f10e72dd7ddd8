import { apiKeyDigest, type ApiKeyLookup, type ApiKeyRecord } from '@headgate/core'
import { REDIS_OPTIONS, redisStores } from '@headgate/core/redis'
import { ManualClock } from '@headgate/core/testing'
import { afterEach, describe, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { PROTOCOLS } from '../attacks/protocols.js'
import { API_KEY, OPAQUE, openTarget, type Target, type TargetOptions } from '../attacks/target.js'
import { codeOf, type Got } from '../attacks/wire.js'
import { type Failing, openEndpoint } from '../endpoint.js'
import { openWay, type Way } from '../redis/flaky.js'
import { poll } from '../redis/poll.mjs'
import { describeRedis, useRedis } from '../redis/use-redis.js'
import { createSigner, sign } from '../../packages/core/test/auth/jwt/tokens.js'

const WITH_KEY = ['X-API-Key', API_KEY] as const
const OUTAGES = ['refused', 'hung', 'garbage', 'slow'] as const satisfies readonly (Failing & Way)[]
/** They answer nothing: only the deadline ends the wait. */
const SILENT: readonly string[] = ['hung', 'slow']

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function open(options: TargetOptions = {}): Promise<Target> {
  const target = await openTarget(options)
  closing.push(() => target.close())
  return target
}

/** An answer that may be long in coming: whether it is there says how far the clock had to go. */
interface Coming {
  readonly answer: Promise<Got>
  readonly isThere: () => boolean
}

function coming(answer: Promise<Got>): Coming {
  let there = false
  void answer.then(() => (there = true))
  return { answer, isThere: () => there }
}

/** Gives what is on its way over loopback the time to arrive. */
async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** The answer of a request for which a dependency was asked that does not answer: it comes at the deadline, not before. */
async function atDeadline({ answer, isThere }: Coming, { clock }: Target, deadline: number): Promise<Got> {
  await turns()
  await clock.advance(deadline - 1)
  await turns()
  expect(isThere()).toBe(false)
  await clock.advance(1)
  return answer
}

/** The same where the answer may also come earlier: a connection that breaks is told at once. */
async function within(asked: Coming, target: Target, deadline: number, outage: string): Promise<Got> {
  if (SILENT.includes(outage)) return atDeadline(asked, target, deadline)
  await turns()
  if (!asked.isThere()) await target.clock.advance(deadline)
  return asked.answer
}

describe.each(PROTOCOLS)('over $name, outage matrix: the issuer’s keys', (protocol) => {
  test.each(OUTAGES)(
    '%s: known keys are not affected; an unknown one is 503 within the deadline',
    async (outage) => {
      const next = await createSigner('ES256', 'next')
      const token = ['Authorization', `Bearer ${await sign(next, { exp: 9e9 })}`] as const
      const target = await open()
      expect((await target.send(protocol.ask('me'), await target.bearer('ann'))).status).toBe(200)
      target.published = [...target.published, next.jwk]
      await target.keys.become(outage)
      // A token that was never seen, by a key that is known.
      expect((await target.send(protocol.ask('me'), await target.bearer('bob'))).status).toBe(200)
      const before = target.keys.requests
      const asked = coming(target.send(protocol.ask('me'), token))
      if (outage !== 'refused') await target.keys.asked(before + 1)
      const got = await within(asked, target, 2_000, outage)
      expect([got.status, codeOf(got)]).toEqual([503, 'auth-unavailable'])
      expect((await target.send(protocol.ask('me'), await target.bearer('ann'))).status).toBe(200)

      await target.keys.become('well')
      await target.clock.advance(30_000)
      expect((await target.send(protocol.ask('me'), token)).status).toBe(200)
    },
  )
})

const opaque = (token: string) => ['Authorization', `Bearer ${token}`] as const

describe.each(PROTOCOLS)('over $name, outage matrix: introspection', (protocol) => {
  test.each(OUTAGES)('%s: what is remembered works, the rest is 503 within the deadline', async (outage) => {
    const target = await open()
    expect((await target.send(protocol.ask('me'), opaque(OPAQUE))).status).toBe(200)
    await target.introspection.become(outage)
    expect((await target.send(protocol.ask('me'), opaque(OPAQUE))).status).toBe(200)
    const asked = coming(target.send(protocol.ask('me'), opaque('opaque-token-of-bob-0002')))
    if (outage !== 'refused') await target.introspection.asked(2)
    const got = await within(asked, target, 500, outage)
    expect([got.status, codeOf(got)]).toEqual([503, 'auth-unavailable'])

    await target.introspection.become('well')
    await target.clock.advance(60_000)
    expect((await target.send(protocol.ask('me'), opaque(OPAQUE))).status).toBe(200)
    expect((await target.send(protocol.ask('me'), opaque('opaque-token-of-bob-0002'))).status).toBe(401)
  })
})

describe.each(PROTOCOLS)('over $name, outage matrix: the key store', (protocol) => {
  test.each(OUTAGES)('%s: 503 within the deadline, nobody is let in, and it comes back', async (outage) => {
    const record: ApiKeyRecord = { digest: apiKeyDigest(API_KEY), keyId: 'key-of-ann', subject: 'ann' }
    const store = await openEndpoint((_request, response) => response.end(JSON.stringify(record)))
    closing.push(() => store.close())
    const lookup: ApiKeyLookup = async ({ digest }) =>
      (await (await fetch(`${store.url}/${digest}`)).json()) as ApiKeyRecord
    const target = await open({ lookup })
    await store.become(outage)
    for (const times of [1, 2, 3]) {
      const asked = coming(target.send(protocol.ask('me'), WITH_KEY))
      if (outage !== 'refused') await store.asked(times)
      const got = await within(asked, target, 250, outage)
      expect([got.status, codeOf(got)]).toEqual([503, 'auth-unavailable'])
    }
    expect(target.done.me).toBe(0)
    await store.become('well')
    expect((await target.send(protocol.ask('me'), WITH_KEY)).status).toBe(200)
  })
})

/** How the limiter decided last: by Redis, or by itself. */
const lastDecision = ({ events }: Target): unknown =>
  events.findLast(({ type }) => type === 'rate-limit.admitted')

describeRedis.each(PROTOCOLS)('over $name, outage matrix: Redis', (protocol) => {
  const server = useRedis()
  const DEADLINE = 50

  async function openOverRedis(onStoreDown: 'local' | 'deny') {
    const clock = new ManualClock()
    const way = await openWay(server().port)
    closing.push(() => way.close())
    const client = new Redis(way.port, '127.0.0.1', { ...REDIS_OPTIONS, retryStrategy: () => 10 })
    closing.push(() => client.disconnect())
    client.on('error', () => undefined)
    const ready = () => poll('the client', async () => client.status === 'ready')
    await ready()
    /** The client notices that its connection is gone, and makes a new one. */
    const recover = async (): Promise<void> => {
      const cut =
        client.status === 'ready' ? new Promise((resolve) => client.once('close', resolve)) : undefined
      await way.become('well')
      await cut
      await ready()
    }
    const prefix = `${protocol.name}-${onStoreDown}-${closing.length}-${way.port}:`
    const stores = redisStores(client, { clock, deadline: DEADLINE, prefix, random: () => 0 })
    const record = { digest: apiKeyDigest(API_KEY), keyId: 'key-of-ann', subject: 'ann' }
    await stores.apiKeys.put(record)
    const target = await open({
      clock,
      budgets: stores.rateLimit,
      lookup: stores.apiKeys,
      limit: { onStoreDown },
    })
    return { target, way, recover }
  }

  test.each([...OUTAGES, 'stopped'] as const)(
    '%s: limited routes answer by this process’s share or 503, keys are 503, within the deadline; it comes back',
    async (outage) => {
      for (const onStoreDown of ['local', 'deny'] as const) {
        const { target, way, recover } = await openOverRedis(onStoreDown)
        const ann = await target.bearer('ann')
        expect((await target.send(protocol.ask('me'), ann)).status).toBe(200)
        expect(lastDecision(target)).toMatchObject({ degraded: false })
        if (outage === 'stopped') server().pause()
        else await way.become(outage)
        const silent = outage === 'stopped' ? 'hung' : outage
        const ask = async (credential: readonly [string, string]): Promise<Got> => {
          const { taken } = way
          const asked = coming(target.send(protocol.ask('open'), credential))
          if (SILENT.includes(silent)) while (way.taken === taken) await turns(1)
          return within(asked, target, DEADLINE, silent)
        }
        try {
          const limited = await ask(ann)
          expect([limited.status, codeOf(limited)]).toEqual(
            onStoreDown === 'local' ? [200, undefined] : [503, 'rate-limit-unavailable'],
          )
          const keyed = await ask(WITH_KEY)
          expect([keyed.status, codeOf(keyed)]).toEqual([503, 'auth-unavailable'])
        } finally {
          if (outage === 'stopped') server().resume()
          else await recover()
        }
        await target.clock.advance(2_000)
        expect((await target.send(protocol.ask('open'), WITH_KEY)).status).toBe(200)
        expect(lastDecision(target)).toMatchObject({ degraded: false })
      }
    },
    30_000,
  )
})
