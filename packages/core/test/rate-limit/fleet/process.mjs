// @ts-check
/// <reference types="node" />
/**
 * One process of a fleet: sends requests through a limiter of its own on the Redis of all, and says what became of them.
 * It runs the built packages, as processes do.
 */
import { once } from 'node:events'
import { hotDeny, leased, rateLimit, systemClock } from '@headgate/core'
import { CLUSTER_OPTIONS, REDIS_OPTIONS, redisRateLimitStore } from '@headgate/core/redis'
import { literalExchange } from '@headgate/core/testing'
import { Cluster, Redis } from 'ioredis'

/** @type {import('./fleet.js').ProcessPlan} */
const plan = JSON.parse(process.argv[2] ?? '')

const [first] = plan.ports
const client = plan.isCluster
  ? new Cluster(
      plan.ports.map((port) => ({ host: '127.0.0.1', port })),
      CLUSTER_OPTIONS,
    )
  : new Redis(first ?? 0, '127.0.0.1', { ...REDIS_OPTIONS, retryStrategy: () => 50 })
client.on('error', () => undefined)
await new Promise((resolve) => void client.once('ready', () => resolve(undefined)))

const redis = redisRateLimitStore(client, plan.guard)
const ahead = plan.isLeased ? leased(redis) : undefined
const policy = rateLimit({
  store: ahead === undefined ? redis : hotDeny(ahead),
  quotas: [plan.quota],
  onStoreDown: plan.onStoreDown,
  expectedProcesses: plan.processes,
})

/** @type {import('./fleet.js').ProcessReport} */
const report = {
  admitted: 0,
  asked: 0,
  degraded: 0,
  recovered: 0,
  unavailable: 0,
  slowest: 0,
  byStoreAtEnd: 0,
}
// All begin when the last one is ready.
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.destroy()
const start = systemClock.now()

await Promise.all(Array.from({ length: plan.concurrency }, send))
await ahead?.giveBack()
client.disconnect()
process.stdout.write(JSON.stringify(report))

async function send() {
  for (let times = 0; times < plan.requests; times += 1) {
    const began = systemClock.now()
    if (began - start > plan.duration) return
    const exchange = literalExchange({ address: '203.0.113.7' })
    const reply = await policy.handle(exchange, async () => ({
      kind: 'answer',
      status: 200,
      headers: {},
      body: null,
    }))
    const now = systemClock.now()
    const isDegraded = exchange.events.some((event) => 'degraded' in event && event.degraded)
    report.asked += 1
    report.slowest = Math.max(report.slowest, now - began)
    if (reply.kind === 'answer') report.admitted += 1
    if (reply.kind === 'refusal' && reply.status === 503) report.unavailable += 1
    if (isDegraded) report.degraded += 1
    else if (now - start > plan.duration - 500) report.byStoreAtEnd += 1
    if (exchange.events.some(({ type }) => type === 'rate-limit.store-recovered')) report.recovered += 1
    if (plan.pause > 0)
      await new Promise((resolve) => void systemClock.after(plan.pause, () => resolve(undefined)))
  }
}
