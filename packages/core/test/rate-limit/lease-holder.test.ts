import { expect, test } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import { leased } from '../../src/rate-limit/leased.js'
import type { RateLimitCharge } from '../../src/rate-limit/store.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const ONE: RateLimitCharge = { quota: 'q', key: 'ann', interval: 1_000, burst: 400, cost: 1 }

test('units that those who wait made be asked for go back too when a process ends', async () => {
  const clock = new ManualClock()
  const memory = memoryRateLimitStore({ clock })
  const node = leased(
    {
      ...memory,
      consume: async (charges, asked) => {
        await turn()
        return memory.consume(charges, asked)
      },
    },
    { clock },
  )
  let given = 0
  const consume = async (): Promise<void> => {
    if ((await node.consume([ONE])).outcome === 'admitted') given += 1
  }
  // Until the last full lease is used up.
  for (;;) {
    const decision = node.consume([ONE])
    given += 1
    if (decision instanceof Promise && given > 100) break
    await decision
  }
  // They leave less than an eighth of the next.
  const waiting = Array.from({ length: 46 }, consume)
  await node.giveBack()
  await Promise.all(waiting)
  expect(await memory.consume([{ ...ONE, cost: 0 }])).toMatchObject({ quotas: [{ remaining: 400 - given }] })
})
