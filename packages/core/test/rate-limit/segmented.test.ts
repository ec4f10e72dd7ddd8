import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { segmented } from '../../src/rate-limit/segmented.js'

/** A memory of twenty in which `a` to `j` came back: half of its places, and all of those for regulars. */
function withRegulars() {
  const memory = segmented<string>(20)
  for (const key of 'abcdefghij') {
    memory.set(key, key)
    memory.get(key)
  }
  return memory
}

test('memory: newcomers push out newcomers only, however many there are', () => {
  const memory = withRegulars()
  for (let index = 0; index < 1_000; index += 1) memory.set(`flood ${index}`, 'flood')
  for (const key of 'abcdefghij') expect(memory.get(key)).toBe(key)
})

test('memory: a regular that is asked for stays, one that is not makes room for the next', () => {
  const memory = withRegulars()
  for (let index = 0; index < 50; index += 1) {
    for (const key of 'abcde') expect(memory.get(key)).toBe(key)
    memory.set(`new ${index}`, 'new')
    memory.get(`new ${index}`)
  }
  expect(['f', 'g', 'h', 'i', 'j'].map((key) => memory.get(key))).toEqual(Array(5).fill(undefined))
})

test('memory: it holds what was set last, and never more than its places, whatever happens', () => {
  const step = fc.tuple(fc.nat(30), fc.nat(3), fc.boolean())
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 9 }),
      fc.array(step, { maxLength: 200, size: 'max' }),
      (places, steps) => {
        const memory = segmented<number>(places)
        const last = new Map<string, number>()
        for (const [nth, [key, value, isSet]] of steps.entries()) {
          if (isSet) {
            memory.set(`${key}`, nth * 10 + value)
            last.set(`${key}`, nth * 10 + value)
          } else {
            const found = memory.get(`${key}`)
            if (found !== undefined) expect(found).toBe(last.get(`${key}`))
          }
          expect(memory.size).toBeLessThanOrEqual(places)
        }
      },
    ),
  )
})
