import { expect, test } from '@jest/globals'
import { tagStamps } from '../../../src/stores/memory/tag-stamps.js'

test('what is stamped later has overtaken an earlier ticket, and nothing else has', () => {
  const stamps = tagStamps(10)
  const ticket = stamps.current()
  expect(stamps.isOvertaken(['a'], ticket)).toBe(false)
  stamps.stamp(['a'])
  expect(stamps.isOvertaken(['b', 'a'], ticket)).toBe(true)
  expect(stamps.isOvertaken(['b'], ticket)).toBe(false)
  expect(stamps.isOvertaken(['a'], stamps.current())).toBe(false)
})

test('the oldest stamps are dropped, and a stamp that is renewed is not old', () => {
  const stamps = tagStamps(2)
  for (const tag of ['a', 'b', 'a', 'c']) stamps.stamp([tag])
  // Dropped was the stamp of b, the second: only tickets from before it can have been overtaken by a dropped one.
  expect(stamps.isOvertaken(['unknown'], 1)).toBe(true)
  expect(stamps.isOvertaken(['unknown'], 2)).toBe(false)
  expect(stamps.isOvertaken(['a'], 2)).toBe(true)
  expect(stamps.isOvertaken(['a'], 3)).toBe(false)
})

test('a ticket that is none is overtaken by everything', () => {
  expect(tagStamps(1).isOvertaken(['a'], Number.NaN)).toBe(true)
})
