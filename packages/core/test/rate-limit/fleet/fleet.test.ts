import { describe, expect, test } from '@jest/globals'
import { describeRedis, useCluster, useRedis } from '../../../../../test-support/redis/use-redis.js'
import type { Quota } from '../../../src/rate-limit/quota.js'
import { type FleetPlan, startFleet, total, type Topology, type Tally } from './fleet.js'

/** Nothing comes back during a test. */
const BUDGET = 500
const PLAN = {
  isPipelining: false,
  isLeased: false,
  // A process that stands still for two lives of a lease can't give it back any more.
  leaseTtl: 5_000,
  quotas: [{ name: 'budget', limit: BUDGET, window: '3650d', burst: BUDGET, key: 'ip' }],
  processes: 4,
  onStoreDown: 'deny',
  // The store is there all the time: a machine that is busy must not look like one that is away.
  guard: { deadline: 10_000 },
  concurrency: 16,
  addresses: ['203.0.113.7'],
} as const satisfies Omit<FleetPlan, 'topology'>

/** Presses on the budget with all processes until each is refused, then takes what a lease may have kept from them. */
async function spend(plan: FleetPlan): Promise<{ readonly pressed: readonly Tally[]; readonly all: number }> {
  const fleet = await startFleet(plan)
  await fleet.press()
  await fleet.until('the end of the budget', ({ deniedByStore }) => deniedByStore > 100)
  const pressed = await fleet.rest()
  const others = await startFleet({ ...plan, processes: 1, isLeased: false })
  await others.press()
  await others.until('the end of what is left', ({ deniedByStore }) => deniedByStore > 0)
  return { pressed, all: total(pressed, 'byStore') + total(await others.rest(), 'byStore') }
}

function admitExactly(topology: () => Topology) {
  test.each([
    { isLeased: false, isPipelining: false },
    { isLeased: false, isPipelining: true },
    { isLeased: true, isPipelining: false },
    { isLeased: true, isPipelining: true },
  ])(
    'admit the budget exactly, and lose no unit of it: %j',
    async (how) => {
      const guard = { ...PLAN.guard, prefix: `${JSON.stringify(Object.values(how))}:` }
      const { pressed, all } = await spend({ ...PLAN, ...how, guard, topology: topology() })
      expect(all).toBe(BUDGET)
      if (!how.isLeased) expect(total(pressed, 'byStore')).toBe(BUDGET)
      expect(total(pressed, 'unavailable')).toBe(0)
      expect(total(pressed, 'overdue')).toBe(0)
    },
    60_000,
  )
}

describe('linearizable: four processes', () => {
  describeRedis('on one Redis', () => {
    const server = useRedis()
    admitExactly(() => ({ kind: 'one', ports: [server().port] }))
  })

  describeRedis('on a cluster', () => {
    const cluster = useCluster()
    const topology = (): Topology => ({ kind: 'cluster', ports: cluster().nodes.map(({ port }) => port) })
    admitExactly(topology)

    test('admit what everybody may exactly, over budgets on every node, and take nothing from whom they refuse', async () => {
      const own: Quota = { ...PLAN.quotas[0], name: 'own', limit: 60, burst: 60 }
      const everybody: Quota = { ...PLAN.quotas[0], name: 'everybody', limit: 300, burst: 300, key: 'global' }
      const addresses = Array.from({ length: 12 }, (_, index) => `203.0.113.${index}`)
      const plan = { ...PLAN, quotas: [everybody, own], addresses, topology: topology() }
      const { all, pressed } = await spend(plan)
      expect([total(pressed, 'byStore'), all]).toEqual([300, 300])
      const rest = await spend({ ...plan, quotas: [own] })
      expect(rest.all).toBe(12 * 60 - 300)
    }, 60_000)
  })
})
