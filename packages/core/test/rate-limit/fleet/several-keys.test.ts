import { expect, test } from '@jest/globals'
import { describeRedis, useCluster } from '../../../../../test-support/redis/use-redis.js'
import type { Quota } from '../../../src/rate-limit/quota.js'
import { type FleetPlan, startFleet, total, type Topology } from './fleet.js'

/** Nothing comes back during a test. */
const FOREVER = { window: '3650d', key: 'ip' } as const
const OWN: Quota = { ...FOREVER, name: 'own', limit: 60, burst: 60 }
const EVERYBODY: Quota = { ...FOREVER, name: 'everybody', limit: 300, burst: 300, key: 'global' }
const ADDRESSES = Array.from({ length: 12 }, (_, index) => `203.0.113.${index}`)

const PLAN = {
  isPipelining: false,
  isLeased: false,
  quotas: [EVERYBODY, OWN],
  processes: 4,
  onStoreDown: 'local',
  guard: { deadline: 50, cooldown: 200 },
  concurrency: 8,
  addresses: ADDRESSES,
} as const satisfies Omit<FleetPlan, 'topology'>

describeRedis('degraded: four processes whose requests take from two nodes of a cluster', () => {
  const cluster = useCluster()

  test('when a node hangs under load and goes on, a request waits for one deadline, and no budget is exceeded', async () => {
    const { nodes } = cluster()
    const topology: Topology = { kind: 'cluster', ports: nodes.map(({ port }) => port) }
    const fleet = await startFleet({ ...PLAN, topology })
    await fleet.press()
    await fleet.until('some load', ({ byStore, deniedByStore }) => byStore + deniedByStore > 10)
    await fleet.mark()
    nodes[0]?.pause()
    await fleet.until('the outage', ({ reasons }) => (reasons['deadline'] ?? 0) > 3)
    await fleet.until('some shares', ({ byShare, deniedByShare }) => byShare + deniedByShare > 20)
    nodes[0]?.resume()
    await fleet.mark()
    await fleet.until('the store', ({ deniedByStore }, before) => deniedByStore > before.deniedByStore + 50)
    const all = await fleet.rest()
    expect(total(all, 'overdue')).toBe(0)
    expect(total(all, 'running')).toBe(0)
    expect(total(all, 'unavailable')).toBe(0)
    expect(total(all, 'byStore')).toBeLessThanOrEqual(300)
    // Each process gives out a quarter of what everybody may.
    expect(total(all, 'byShare')).toBeLessThanOrEqual(300)
    for (const address of ADDRESSES) {
      const admitted = all.reduce((sum, { byAddress }) => sum + (byAddress[address] ?? 0), 0)
      expect(admitted).toBeLessThanOrEqual(2 * 60)
    }
  }, 60_000)
})
