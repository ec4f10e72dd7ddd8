import { describe, expect, test } from '@jest/globals'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import {
  describeRedis,
  useCluster,
  useRedis,
  useSentinels,
} from '../../../../../test-support/redis/use-redis.js'
import { LEASE_DEFAULTS } from '../../../src/rate-limit/leased.js'
import { type Fleet, type FleetPlan, startFleet, type Tally, total, unknown } from './fleet.js'

/** Nothing comes back during a test: what is admitted is counted, not timed. */
const BUDGET = 400
const PROCESSES = 4
const PLAN = {
  isPipelining: false,
  isLeased: false,
  quotas: [{ name: 'budget', limit: BUDGET, window: '3650d', burst: BUDGET, key: 'ip' }],
  processes: PROCESSES,
  onStoreDown: 'local',
  guard: { deadline: 50, cooldown: 200 },
  concurrency: 8,
  addresses: ['203.0.113.7'],
} as const satisfies Omit<FleetPlan, 'topology'>

const isLoaded = ({ byStore, deniedByStore }: Tally): boolean => byStore + deniedByStore > 10
const isOut = ({ deniedByShare }: Tally, before: Tally): boolean => deniedByShare > before.deniedByShare + 5
const isBack = ({ recovered, deniedByStore }: Tally, before: Tally): boolean =>
  recovered > before.recovered && deniedByStore > before.deniedByStore + 5

/** Takes the store away until every process has given out its share, and refuses by itself. */
async function lose(fleet: Fleet, take: () => unknown): Promise<void> {
  await fleet.mark()
  await take()
  await fleet.until('the shares', isOut)
}

/** Gives the store back until it decides for every process, and has no more to give. */
async function find(fleet: Fleet, give: () => unknown): Promise<void> {
  await fleet.mark()
  await give()
  await fleet.until('the store', isBack)
}

/**
 * What the store had to give was given by it, or instead of it: on a machine that is busy it looks away at other times
 * too, and what processes give out meanwhile is charged once.
 *
 * @param most units that a call without an answer may have taken.
 */
function expectSpent(all: readonly Tally[], budgets: number, most = 1): void {
  expect(total(all, 'byStore')).toBeGreaterThanOrEqual(budgets - total(all, 'owed') - most * unknown(all))
}

/** Nothing hangs, whatever happens: no request outlives the deadline, and every one is decided. */
function expectNothingHung(all: readonly Tally[]): void {
  expect(total(all, 'overdue')).toBe(0)
  expect(total(all, 'running')).toBe(0)
  expect(total(all, 'unavailable')).toBe(0)
}

describe.each([
  { isLeased: false, isPipelining: false },
  { isLeased: true, isPipelining: true },
])('degraded: four processes on one Redis, %j', (how) => {
  describeRedis('', () => {
    const server = useRedis()

    test('when it is killed under load and comes back empty, the shares and one more budget are admitted, and no more', async () => {
      const fleet = await startFleet({ ...PLAN, ...how, topology: { kind: 'one', ports: [server().port] } })
      await fleet.press()
      await fleet.until('some load', isLoaded)
      await lose(fleet, () => server().kill())
      await find(fleet, () => server().restart())
      const all = await fleet.rest()
      expectNothingHung(all)
      expect(total(all, 'byShare')).toBe(BUDGET)
      // What was charged before is forgotten; what was given out meanwhile is charged, unless the budget went first.
      expect(total(all, 'byStore')).toBeLessThanOrEqual(2 * BUDGET)
      expectSpent(all, BUDGET, how.isLeased ? LEASE_DEFAULTS.maxUnits : 1)
    }, 60_000)
  })

  describeRedis('', () => {
    const server = useRedis()

    test('when it hangs under load and goes on, the shares are admitted, and no unit of the budget twice', async () => {
      const fleet = await startFleet({ ...PLAN, ...how, topology: { kind: 'one', ports: [server().port] } })
      await fleet.press()
      await fleet.until('some load', isLoaded)
      await lose(fleet, () => server().pause())
      await find(fleet, () => server().resume())
      const all = await fleet.rest()
      expectNothingHung(all)
      for (const { reasons } of all) expect(reasons).toMatchObject({ deadline: expect.any(Number) })
      expect(total(all, 'byShare')).toBe(BUDGET)
      expect(total(all, 'byStore')).toBeLessThanOrEqual(BUDGET)
      expectSpent(all, BUDGET, how.isLeased ? LEASE_DEFAULTS.maxUnits : 1)
    }, 60_000)
  })
})

describeRedis('degraded: four processes behind sentinels', () => {
  const group = useSentinels()

  test('when the master is killed the replica takes over with what was charged, and only the shares are admitted beside it', async () => {
    const { name, master, replica, sentinels } = group()
    const ports = sentinels.map(({ port }) => port)
    const fleet = await startFleet({ ...PLAN, topology: { kind: 'sentinels', ports, name } })
    await fleet.press()
    await fleet.until('the end of the budget', ({ deniedByStore }) => deniedByStore > 20)
    // Denials write nothing: from now on the replica can lose nothing.
    const [key = ''] = (await master.command('KEYS', '*')) as readonly string[]
    await poll('the replica', async () => {
      return String(await master.command('GET', key)) === String(await replica.command('GET', key))
    })
    await lose(fleet, () => master.kill())
    await find(fleet, () => undefined)
    const all = await fleet.rest()
    expectNothingHung(all)
    expect(total(all, 'byShare')).toBe(BUDGET)
    expect(total(all, 'byStore')).toBeLessThanOrEqual(BUDGET)
    expectSpent(all, BUDGET)
  }, 60_000)
})

describe.each([
  { isLeased: false, isPipelining: false },
  { isLeased: false, isPipelining: true },
  { isLeased: true, isPipelining: false },
  { isLeased: true, isPipelining: true },
])('degraded: four processes on a cluster, %j', (how) => {
  describeRedis('', () => {
    const cluster = useCluster()

    test('when a master is killed under load and comes back empty, its budgets begin anew and no others', async () => {
      const nodes = cluster().nodes
      const ports = nodes.map(({ port }) => port)
      const addresses = Array.from({ length: 12 }, (_, index) => `203.0.113.${index}`)
      const burst = 40
      const quotas = [{ ...PLAN.quotas[0], limit: burst, burst }]
      const plan = { ...PLAN, ...how, quotas, addresses, topology: { kind: 'cluster', ports } as const }
      const fleet = await startFleet(plan)
      await fleet.press()
      await fleet.until('the end of every budget', ({ deniedByStore }) => deniedByStore > 500)
      const sizes = await Promise.all(nodes.map((node) => node.command('DBSIZE')))
      expect(Math.min(...sizes.map(Number))).toBeGreaterThan(0)
      await lose(fleet, () => nodes[0]?.kill())
      await find(fleet, () => nodes[0]?.restart())
      await fleet.mark()
      await fleet.until(
        'the end of every budget',
        ({ deniedByStore }, before) => deniedByStore > before.deniedByStore + 500,
      )
      const pressed = await fleet.rest()
      expectNothingHung(pressed)
      // What the leases of one process kept from the others is there for whoever comes next.
      const patient = { onStoreDown: 'deny', guard: { deadline: 10_000 } } as const
      const last = await startFleet({ ...plan, ...patient, processes: 1, isLeased: false })
      await last.press()
      await last.until('the end of what is left', ({ deniedByStore }) => deniedByStore > 500)
      const all = [...pressed, ...(await last.rest())]
      const lost = Number(sizes[0])
      // A call without an answer may have charged a lease: half of a burst.
      expectSpent(all, addresses.length * burst, how.isLeased ? burst / 2 : 1)
      expect(total(all, 'byStore')).toBeLessThanOrEqual((addresses.length + lost) * burst)
      // Each process gives out a quarter of each budget.
      expect(total(pressed, 'byShare')).toBeLessThanOrEqual(addresses.length * burst)
      const admitted = addresses.map((address) =>
        all.reduce((sum, one) => sum + (one.byAddress[address] ?? 0), 0),
      )
      expect(Math.max(...admitted)).toBeLessThanOrEqual(3 * burst)
      // Whose budget was on another master has one, and the shares.
      expect(admitted.filter((units) => units > 2 * burst).length).toBeLessThanOrEqual(lost)
    }, 60_000)
  })
})
