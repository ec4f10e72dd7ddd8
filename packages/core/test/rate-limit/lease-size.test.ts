import { describe, expect, test } from '@jest/globals'
import { leaseSize } from '../../src/rate-limit/lease-size.js'
import type { RateLimitCharge } from '../../src/rate-limit/store.js'

const TTL = 200

function sized(burst = 1_000) {
  let now = 0
  const size = leaseSize(50, TTL, () => now)
  const charges: readonly RateLimitCharge[] = [
    { quota: 'wide', key: 'k', interval: 1, burst: 1_000_000, cost: 1 },
    { quota: 'tight', key: 'k', interval: 1, burst, cost: 1 },
  ]
  return {
    ...size,
    next: (isBusy: boolean, least = 1) => size.next(charges, isBusy, least),
    wait: (time: number) => void (now += time),
    now: () => now,
  }
}

describe('a lease', () => {
  test('doubles up to the most, and to half of the smallest burst, while its units are used in time', () => {
    const [wide, tight] = [sized(), sized(30)]
    expect(Array.from({ length: 7 }, () => wide.next(true))).toEqual([2, 4, 8, 16, 32, 50, 50])
    expect(Array.from({ length: 5 }, () => tight.next(true))).toEqual([2, 4, 8, 15, 15])
  })

  test('does not grow for who comes now and then, and is what was used when not all was', () => {
    const size = sized()
    expect([size.next(false), size.next(false)]).toEqual([1, 1])
    for (let times = 0; times < 6; times += 1) size.next(true)
    size.ended(7)
    expect(size.next(false)).toBe(7)
    size.ended(0)
    expect(size.next(true)).toBe(2)
  })

  test('has what is waited for, as far as it may', () => {
    const size = sized()
    expect(size.next(true, 20)).toBe(20)
    expect(size.next(true, 900)).toBe(50)
  })

  test('is half of what was left after a denial, until it is over or units are granted', () => {
    const size = sized()
    for (let times = 0; times < 6; times += 1) size.next(true)
    size.denied(
      [
        { remaining: 300, renewal: 1, wait: 0 },
        { remaining: 9, renewal: 1, wait: 9 },
      ],
      size.now(),
    )
    expect(size.next(true)).toBe(4)
    expect(size.next(true, 30)).toBe(4)
    size.wait(TTL)
    expect(size.next(true)).toBe(8)
    size.denied([{ remaining: 1, renewal: 1, wait: 9 }], size.now())
    expect(size.next(true)).toBe(0)
    size.granted()
    expect(size.next(true)).toBeGreaterThan(1)
  })
})
