import { describe, expect, test } from '@jest/globals'
import { setTimeout as pause } from 'node:timers/promises'
import { describeRedis, useCluster, useRedis } from '../../../../../test-support/redis/use-redis.js'
import { type ProcessPlan, runFleet, total } from './fleet.js'

/** Nothing comes back during a test: 500 in ten years. */
const BUDGET = 500
const PLAN = {
  quota: { name: 'budget', limit: BUDGET, window: '3650d', burst: BUDGET, key: 'ip' },
  processes: 4,
  isCluster: false,
  isLeased: false,
  onStoreDown: 'deny',
  guard: { deadline: 10_000 },
  concurrency: 16,
  requests: 20,
  duration: 30_000,
  pause: 0,
} as const satisfies Omit<ProcessPlan, 'ports'>

/** Presses on the budget with all processes, then takes what a lease may have kept from them at the end. */
async function spend(plan: ProcessPlan): Promise<{ readonly pressed: number; readonly all: number }> {
  const reports = await runFleet(plan)
  expect(total(reports, 'unavailable')).toBe(0)
  expect(total(reports, 'asked')).toBe(4 * 16 * 20)
  const pressed = total(reports, 'admitted')
  const rest = await runFleet({ ...plan, processes: 1, isLeased: false, concurrency: 4, requests: BUDGET })
  return { pressed, all: pressed + total(rest, 'admitted') }
}

describeRedis('four processes on one Redis', () => {
  const server = useRedis()

  test('admit the budget exactly', async () => {
    const { pressed, all } = await spend({ ...PLAN, ports: [server().port] })
    expect([pressed, all]).toEqual([BUDGET, BUDGET])
  }, 60_000)

  test('admit the budget exactly with leases, and lose no unit of it', async () => {
    const plan = { ...PLAN, isLeased: true, guard: { ...PLAN.guard, prefix: 'leased:' } }
    const { pressed, all } = await spend({ ...plan, ports: [server().port] })
    expect(pressed).toBeLessThanOrEqual(BUDGET)
    expect(all).toBe(BUDGET)
  }, 60_000)
})

describeRedis('four processes on a cluster', () => {
  const cluster = useCluster()

  test.each([false, true])(
    'admit the budget exactly, leases: %s',
    async (isLeased) => {
      const ports = cluster().nodes.map(({ port }) => port)
      const guard = { ...PLAN.guard, prefix: isLeased ? 'leased:' : 'plain:' }
      const { all } = await spend({ ...PLAN, isCluster: true, isLeased, guard, ports })
      expect(all).toBe(BUDGET)
    },
    60_000,
  )
})

describe.each([false, true])('Redis is killed under load and comes back empty, leases: %s', (isLeased) => {
  describeRedis('', () => {
    const server = useRedis()

    test('no request hangs, no more than the bound is admitted, and the store decides again', async () => {
      const duration = 5_000
      let begun!: () => void
      const isRunning = new Promise<void>((resolve) => (begun = resolve))
      const plan: ProcessPlan = {
        ...PLAN,
        ports: [server().port],
        quota: { name: 'rate', limit: 100, window: '1s', burst: 48, key: 'ip' },
        isLeased,
        onStoreDown: 'local',
        guard: { cooldown: 200, deadline: 250 },
        concurrency: 8,
        requests: 100_000,
        duration,
        pause: 5,
      }
      const running = runFleet(plan, begun)
      await isRunning
      await pause(1_000)
      await server().kill()
      await pause(1_000)
      await server().restart()
      const reports = await running
      const seconds = duration / 1_000
      // The burst, and once more since the store forgot it; the shares' burst; the rate, which comes from the store or
      // from the shares, and from both while processes come back one by one. A lease adds what comes back in its life.
      const bound = 2 * 48 + 48 + 100 * seconds + 100 + (isLeased ? 40 : 0)
      expect(total(reports, 'admitted')).toBeLessThanOrEqual(bound)
      expect(total(reports, 'admitted')).toBeGreaterThan(200)
      for (const report of reports) {
        expect(report.unavailable).toBe(0)
        expect(report.degraded).toBeGreaterThan(0)
        expect(report.recovered).toBeGreaterThan(0)
        expect(report.byStoreAtEnd).toBeGreaterThan(0)
        // The deadline is 250 ms; ioredis by itself takes 73 s.
        expect(report.slowest).toBeLessThan(2_000)
      }
    }, 60_000)
  })
})
