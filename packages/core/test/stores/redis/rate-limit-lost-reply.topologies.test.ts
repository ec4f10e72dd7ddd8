import { afterEach, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { type AddressInfo, connect as dial, createServer, type Server, type Socket } from 'node:net'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import type { RedisServer } from '../../../../../test-support/redis/server.mjs'
import { describeRedis, useCluster, useRedis } from '../../../../../test-support/redis/use-redis.js'
import { rateLimit } from '../../../src/rate-limit/rate-limit.js'
import type { RateLimitCharge, RateLimitStore } from '../../../src/rate-limit/store.js'
import { redisRateLimitStore } from '../../../src/stores/redis/index.js'
import { literalExchange } from '../../../src/testing/exchange.js'
import { connect, connectCluster, PATIENT, PIPELINING } from './clients.js'

/** A way to a server on which replies can get lost. */
interface Way {
  readonly port: number
  /** From now on commands arrive and replies do not. */
  mute(): void
  /** Breaks every connection; new ones are whole. */
  cut(): void
}

const servers: Server[] = []
const sockets = new Set<Socket>()
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

async function wayTo(port: number): Promise<Way> {
  let isMute = false
  const own = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = dial(port, '127.0.0.1')
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      own.add(one)
      sockets.add(one)
      one.on('error', () => undefined).on('close', () => other.destroy())
      one.on('data', (chunk) => void ((one === client || !isMute) && other.write(chunk)))
    }
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    mute: () => void (isMute = true),
    cut() {
      isMute = false
      for (const socket of own) socket.destroy()
      own.clear()
    },
  }
}

/** Nothing comes back during a test. */
const QUOTA = { name: 'q', limit: 100, window: '3650d', burst: 100, key: 'ip' } as const

interface SetUp {
  readonly ways: readonly Way[]
  readonly nodes: readonly RedisServer[]
  readonly store: RateLimitStore
}

/** Sends a request whose charge is applied and whose reply is lost, and one when the way is whole again. */
async function loseReply({ ways, nodes, store }: SetUp) {
  let charges: readonly RateLimitCharge[] = []
  const seen: RateLimitStore = {
    ...store,
    consume: (all, options) => store.consume((charges = all), options),
  }
  const policy = rateLimit({ store: seen, quotas: [QUOTA], expectedProcesses: 1 })
  const send = async () => {
    const exchange = literalExchange()
    const { headers } = await policy.handle(exchange, () =>
      Promise.resolve({ kind: 'answer', status: 200, headers: {}, body: null }),
    )
    return { left: /r=(\d+)/.exec(String(headers['ratelimit']))?.[1], events: exchange.events }
  }
  expect((await send()).left).toBe('99')
  const before = await writes(nodes)
  for (const way of ways) way.mute()
  const lost = send()
  await poll('the charge', async () => (await writes(nodes)) > before)
  for (const way of ways) way.cut()
  expect((await lost).events).toMatchObject([
    { type: 'rate-limit.store-failed', reason: 'error' },
    { type: 'rate-limit.admitted', degraded: true },
  ])
  const looks = charges.map((one) => ({ ...one, cost: 0 }))
  const isThere = async (): Promise<boolean> => (await store.consume(looks)).outcome === 'admitted'
  await poll('the store', () => isThere().catch(() => false))
  return { left: (await send()).left, written: (await writes(nodes)) - before }
}

/** How often budgets were written: a look writes nothing. */
async function writes(nodes: readonly RedisServer[]): Promise<number> {
  let calls = 0
  for (const node of nodes) {
    const stats = String(await node.command('INFO', 'commandstats'))
    calls += Number(/cmdstat_set:calls=(\d+)/.exec(stats)?.[1] ?? 0)
  }
  return calls
}

describe.each(PIPELINING)(
  'linearizable: a charge that was applied and whose reply is lost, %s',
  (_title, pipelining) => {
    describeRedis('', () => {
      const server = useRedis()

      test('is charged once and never sent again', async () => {
        const way = await wayTo(server().port)
        const client = await connect(way.port, pipelining)
        const store = redisRateLimitStore(client, PATIENT)
        expect(await loseReply({ ways: [way], nodes: [server()], store })).toEqual({ left: '97', written: 2 })
      })
    })

    describeRedis('', () => {
      const cluster = useCluster()

      test('is charged once and never sent again on a cluster', async () => {
        const { nodes } = cluster()
        const ways = await Promise.all(nodes.map(({ port }) => wayTo(port)))
        const natMap = Object.fromEntries(
          nodes.map(({ port }, index) => [
            `127.0.0.1:${port}`,
            { host: '127.0.0.1', port: ways[index]?.port ?? 0 },
          ]),
        )
        const client = await connectCluster(cluster(), { ...pipelining, natMap })
        const store = redisRateLimitStore(client, PATIENT)
        expect(await loseReply({ ways, nodes, store })).toEqual({ left: '97', written: 2 })
      })
    })
  },
)
