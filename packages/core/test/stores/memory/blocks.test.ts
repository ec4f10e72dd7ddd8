import { describe, expect, test } from '@jest/globals'
import { rateLimit } from '../../../src/rate-limit/rate-limit.js'
import { memoryRateLimitStore } from '../../../src/stores/memory/rate-limit.js'
import { literalExchange } from '../../../src/testing/exchange.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'

function open() {
  const clock = new ManualClock()
  const store = memoryRateLimitStore({ clock, maxEntries: 3 })
  const policy = rateLimit({ store, clock, quotas: [{ name: 'q', limit: 100, window: '1s', key: 'ip' }] })
  const isRefused = async (address: string) => {
    const reply = await policy.handle(literalExchange({ address }), () =>
      Promise.resolve({ kind: 'answer', status: 200, headers: {}, body: null }),
    )
    return reply.kind === 'refusal'
  }
  return {
    clock,
    isRefused,
    block: (address: string, ms: number) => policy.block(literalExchange({ address }), 'q', ms),
  }
}

describe('blocks, when there is no room', () => {
  test('a flood of them lifts none: the newcomer is an error', async () => {
    const { block, isRefused } = open()
    await block('192.0.2.1', 1_000)
    for (const address of ['192.0.2.2', '192.0.2.3']) await block(address, 60_000)
    for (let n = 4; n < 50; n += 1) {
      await expect(block(`192.0.2.${n}`, 60_000)).rejects.toThrow(RangeError)
    }
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) expect(await isRefused(address)).toBe(true)
    expect(await isRefused('192.0.2.4')).toBe(false)
  })

  test('one that is held is changed and lifted all the same', async () => {
    const { block, isRefused } = open()
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) await block(address, 60_000)
    await block('192.0.2.1', 90_000)
    await block('192.0.2.2', 0)
    expect(await isRefused('192.0.2.2')).toBe(false)
    await block('192.0.2.4', 1_000)
    expect(await isRefused('192.0.2.4')).toBe(true)
  })

  test('one that is over makes room', async () => {
    const { block, isRefused, clock } = open()
    await block('192.0.2.1', 60_000)
    for (const address of ['192.0.2.2', '192.0.2.3']) await block(address, 1_000)
    await clock.advance(1_000)
    for (const address of ['192.0.2.4', '192.0.2.5']) await block(address, 1_000)
    await expect(block('192.0.2.6', 1_000)).rejects.toThrow(RangeError)
    for (const address of ['192.0.2.1', '192.0.2.4', '192.0.2.5']) expect(await isRefused(address)).toBe(true)
  })
})
