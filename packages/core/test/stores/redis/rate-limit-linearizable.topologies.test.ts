import { expect, test } from '@jest/globals'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import type { RedisServer } from '../../../../../test-support/redis/server.mjs'
import { describeRedis, useCluster, useRedis } from '../../../../../test-support/redis/use-redis.js'
import type { RateLimitCharge, RateLimitStore } from '../../../src/rate-limit/store.js'
import { redisRateLimitStore, type StoreUnavailable } from '../../../src/stores/redis/index.js'
import { connect, connectCluster, PATIENT, PIPELINING } from './clients.js'

const BUDGET = 300

/** Nothing comes back during a test. */
function charge(key: string): RateLimitCharge {
  return { quota: 'q', key, interval: 3_600_000_000, burst: BUDGET, cost: 1 }
}

/** What became of calls: `unknown` ones may have been charged, `unsent` ones were not. */
interface Tally {
  admitted: number
  denied: number
  unknown: number
  unsent: number
  /** Why they failed. */
  readonly failures: string[]
}

function newTally(): Tally {
  return { admitted: 0, denied: 0, unknown: 0, unsent: 0, failures: [] }
}

async function count(store: RateLimitStore, one: RateLimitCharge, tally: Tally): Promise<void> {
  try {
    const { outcome } = await store.consume([one])
    tally[outcome === 'admitted' ? 'admitted' : 'denied'] += 1
  } catch (error) {
    const { mayHaveApplied, message } = error as StoreUnavailable
    tally[mayHaveApplied ? 'unknown' : 'unsent'] += 1
    tally.failures.push(message)
  }
}

async function drain(store: RateLimitStore | undefined, one: RateLimitCharge): Promise<number> {
  let admitted = 0
  while ((await store?.consume([one]))?.outcome === 'admitted') admitted += 1
  return admitted
}

describeRedis.each(PIPELINING)('on one server, %s', (_title, pipelining) => {
  const server = useRedis()

  test('linearizable: callers whose connections break get the budget and no more, and each call is charged once at most', async () => {
    const clients = await Promise.all([1, 2, 3, 4].map(() => connect(server().port, pipelining)))
    const stores = clients.map((client) => redisRateLimitStore(client, { ...PATIENT, failures: 1_000 }))
    const one = charge('broken')
    const tally = newTally()
    const press = () => stores.flatMap((store) => Array.from({ length: 8 }, () => count(store, one, tally)))
    const look = async (store: RateLimitStore): Promise<boolean> => {
      await store.consume([{ ...one, cost: 0 }])
      return true
    }
    for (let round = 0; round < 6 || (tally.unknown === 0 && round < 100); round += 1) {
      const calls = press()
      if (round % 2 === 0) {
        await server().command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
        // Clients that have not noticed yet are ready all the same, until somebody calls.
        calls.push(...press())
      }
      await Promise.all(calls)
      const areBack = async () => Promise.all(stores.map(look)).catch(() => [])
      await poll('the clients', async () => (await areBack()).length === stores.length)
    }
    expect(tally.unknown).toBeGreaterThan(0)
    expect(tally.admitted).toBeGreaterThan(0)
    const charged = BUDGET - tally.admitted - (await drain(stores[0], one))
    expect(charged).toBeGreaterThanOrEqual(0)
    expect(charged).toBeLessThanOrEqual(tally.unknown)
  })
})

describeRedis.each(PIPELINING)('on a cluster, %s', (_title, pipelining) => {
  const cluster = useCluster()
  /** All on the first node, in different slots. */
  const moving = charge('b')
  const staying = ['f', 'j', 'n'].map(charge)

  test('linearizable: while a slot moves to another node no call fails, and its callers get exactly the budget', async () => {
    const [from, to] = cluster().nodes as [RedisServer, RedisServer]
    expect(await from.command('CLUSTER', 'KEYSLOT', 'headgate:{b}')).toBe(SLOT)
    const client = await connectCluster(cluster(), pipelining)
    const store = redisRateLimitStore(client, PATIENT)
    const tally = newTally()
    const others = newTally()
    const moved = new AbortController()
    const press = async (one: RateLimitCharge, into: Tally): Promise<void> => {
      while (!moved.signal.aborted && into.failures.length === 0) await count(store, one, into)
    }
    const callers = [
      ...Array.from({ length: 8 }, () => press(moving, tally)),
      ...staying.map((one) => press(one, others)),
    ]
    const pressing = async (): Promise<void> => {
      const before = tally.admitted + tally.denied
      await poll('the callers', async () => {
        expect([...tally.failures, ...others.failures]).toEqual([])
        return tally.admitted + tally.denied > before + 50
      })
    }
    try {
      await poll('the first callers', async () => tally.admitted > 20)
      await moveSlot(from, to, cluster().nodes, pressing)
      await pressing()
      await poll('the end of the budget', async () => tally.denied > 50)
    } finally {
      moved.abort()
    }
    await Promise.all(callers)
    expect(tally).toMatchObject({ admitted: BUDGET, failures: [] })
    expect(others.failures).toEqual([])
    expect(await to.command('EXISTS', 'headgate:{b}')).toBe(1)
  }, 60_000)
})

const SLOT = 3_300

/**
 * Moves the slot as an operator does.
 *
 * @param pressing lets calls come while the slot is asked for at both nodes.
 */
async function moveSlot(
  from: RedisServer,
  to: RedisServer,
  all: readonly RedisServer[],
  pressing: () => Promise<void>,
): Promise<void> {
  const [source, target] = await Promise.all([from, to].map((node) => node.command('CLUSTER', 'MYID')))
  await to.command('CLUSTER', 'SETSLOT', SLOT, 'IMPORTING', String(source))
  await from.command('CLUSTER', 'SETSLOT', SLOT, 'MIGRATING', String(target))
  const keys = await from.command('CLUSTER', 'GETKEYSINSLOT', SLOT, 10)
  for (const key of keys as readonly string[]) {
    await from.command('MIGRATE', '127.0.0.1', to.port, key, 0, 5_000)
  }
  await pressing()
  for (const node of [to, from, ...all])
    await node.command('CLUSTER', 'SETSLOT', SLOT, 'NODE', String(target))
}
