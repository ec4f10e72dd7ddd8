import { expect, test } from '@jest/globals'
import { keepLease } from '../../src/idempotency/lease.js'
import { ManualClock } from '../../src/testing/manual-clock.js'
import { deferred } from './service.js'

test('a lease that is stopped while a renewal is under way is not renewed again', async () => {
  const clock = new ManualClock()
  const renewal = deferred<boolean>()
  const failures: number[] = []
  const stop = keepLease(
    clock,
    1_000,
    () => renewal.promise,
    () => failures.push(clock.now()),
  )
  await clock.advance(1_000)
  stop()
  renewal.resolve(true)
  await clock.advance(1)
  expect(clock.pending).toBe(0)
  expect(failures).toEqual([])
})

test("a lease that is somebody else's is given up; a store that fails is asked again", async () => {
  const clock = new ManualClock()
  const answers = [() => true, () => Promise.reject(new Error('away')), () => false]
  let failures = 0
  keepLease(
    clock,
    1_000,
    async () => answers.shift()?.() ?? true,
    () => (failures += 1),
  )
  await clock.advance(10_000)
  expect(answers).toHaveLength(0)
  expect(failures).toBe(1)
  expect(clock.pending).toBe(0)
})
