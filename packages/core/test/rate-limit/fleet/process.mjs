// @ts-check
/// <reference types="node" />
/**
 * One process of a fleet: sends requests through a limiter of its own on the Redis of all, and counts what becomes of
 * them. It runs the built packages, as processes do, and does what its parent says.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { hotDeny, rateLimit, systemClock } from '@headgate/core'
import { CLUSTER_OPTIONS, REDIS_OPTIONS, redisRateLimitStore } from '@headgate/core/redis'
import { literalExchange } from '@headgate/core/testing'
import { Cluster, Redis } from 'ioredis'

/** @typedef {import('./fleet.js').Tally} Tally */

/** @type {import('./fleet.js').FleetPlan} */
const plan = JSON.parse(process.argv[2] ?? '')

/** @type {Tally} */
const tally = {
  byStore: 0,
  byShare: 0,
  owed: 0,
  deniedByStore: 0,
  deniedByShare: 0,
  unavailable: 0,
  recovered: 0,
  overdue: 0,
  running: 0,
  reasons: {},
  byAddress: {},
}

const client = connect(plan.topology)
client.on('error', () => undefined)
await new Promise((resolve) => void client.once('ready', () => resolve(undefined)))
const store = redisRateLimitStore(client, plan.guard)
const { isLeased, leaseTtl } = plan
const policy = rateLimit({
  store: isLeased ? hotDeny(store) : store,
  leases: isLeased && (leaseTtl === undefined || { ttl: leaseTtl }),
  quotas: plan.quotas,
  onStoreDown: plan.onStoreDown,
  expectedProcesses: plan.processes,
})

/** @type {import('@headgate/core').Answer} */
const OK = { kind: 'answer', status: 200, headers: {}, body: null }

let rest = new AbortController()
/** @type {Promise<unknown>} */
let pressing = Promise.resolve()

process.on('message', (/** @type {import('./fleet.js').Order} */ order) => {
  void obey(order).then(() => process.send?.({ ...tally, answers: order.id }))
})
process.send?.('ready')

/** @param {import('./fleet.js').Order} order */
async function obey(order) {
  if (order.do === 'press') {
    rest = new AbortController()
    const { signal } = rest
    pressing = Promise.all(Array.from({ length: plan.concurrency }, (_, index) => press(index, signal)))
  }
  if (order.do === 'rest') {
    rest.abort()
    await pressing
    await policy.giveBack()
  }
}

/** @param {import('./fleet.js').Topology} topology */
function connect({ kind, ports, name = '' }) {
  const nodes = ports.map((port) => ({ host: '127.0.0.1', port }))
  const { isPipelining: enableAutoPipelining } = plan
  const [node] = nodes
  if (kind === 'cluster') return new Cluster(nodes, { ...CLUSTER_OPTIONS, enableAutoPipelining })
  const retry = { retryStrategy: () => 50, sentinelRetryStrategy: () => 50, enableAutoPipelining }
  if (kind === 'sentinels') return new Redis({ ...REDIS_OPTIONS, ...retry, name, sentinels: nodes })
  return new Redis({ ...REDIS_OPTIONS, ...retry, ...node })
}

/**
 * Counts what outlives the deadline, without a look at a clock: timers run in the order of their times, however busy the
 * machine is, so a timer that is set with the deadline and runs after it finds the work ended.
 *
 * @template T
 * @param {Promise<T>} work
 */
async function timed(work) {
  let hasEnded = false
  const look = () => {
    if (!hasEnded) tally.overdue += 1
  }
  const cancel = systemClock.after(plan.guard.deadline + 10, () => void turn().then(turn).then(look))
  return work.finally(() => {
    hasEnded = true
    cancel()
  })
}

/**
 * @param {number} index
 * @param {AbortSignal} signal
 */
async function press(index, signal) {
  for (let times = index; !signal.aborted; times += 1) {
    const address = plan.addresses[times % plan.addresses.length] ?? ''
    tally.running += 1
    const isByStore = await send(address)
    tally.running -= 1
    // What is decided in this process takes no time: others must have their turn.
    await (isByStore ? turn() : new Promise((resolve) => void systemClock.after(2, () => resolve(undefined))))
  }
}

/** @param {string} address */
async function send(address) {
  const exchange = literalExchange({ address })
  const reply = await timed(policy.handle(exchange, async () => OK))
  let isByShare = false
  let isOwed = false
  for (const event of exchange.events) {
    if (event.type === 'rate-limit.store-failed') {
      tally.reasons[event.reason] = (tally.reasons[event.reason] ?? 0) + 1
      isOwed = event.reason === 'not-ready' || event.reason === 'breaker-open'
    }
    if (event.type === 'rate-limit.store-recovered') tally.recovered += 1
    if ('degraded' in event) isByShare = event.degraded
  }
  if (reply.kind === 'answer') {
    tally[isByShare ? 'byShare' : 'byStore'] += 1
    if (isByShare && isOwed) tally.owed += 1
    tally.byAddress[address] = (tally.byAddress[address] ?? 0) + 1
  } else if (reply.status === 503) tally.unavailable += 1
  else tally[isByShare ? 'deniedByShare' : 'deniedByStore'] += 1
  return !isByShare
}
