import { describe, expect, test } from '@jest/globals'
import { sharedDeadlines } from '../src/shared-deadlines.js'
import { ManualClock } from '../src/testing/manual-clock.js'

function setUp() {
  const clock = new ManualClock()
  const deadlines = sharedDeadlines(clock, 50)
  const late: string[] = []
  const begin = (name: string) => deadlines.begin(() => late.push(name))
  return { clock, deadlines, late, begin }
}

/** Timers look at the sockets once more before they tell. */
const afterALook = () => new Promise((resolve) => setImmediate(resolve))

test('calls that begin together share a timer; those that begin later have another', async () => {
  const { clock, begin } = setUp()
  for (let call = 0; call < 100; call += 1) begin('together')
  expect(clock.pending).toBe(1)
  await Promise.resolve()
  begin('later')
  expect(clock.pending).toBe(2)
})

test('a call that has not ended expires once, at its own deadline; one that has never does', async () => {
  const { clock, deadlines, late, begin } = setUp()
  const ended = begin('ended')
  begin('first')
  await Promise.resolve()
  await clock.advance(20)
  begin('second')
  await Promise.resolve()
  expect(deadlines.end(ended)).toBe(true)
  await clock.advance(29)
  await afterALook()
  expect(late).toEqual([])
  await clock.advance(1)
  await afterALook()
  expect(late).toEqual(['first'])
  await clock.advance(100)
  await afterALook()
  expect(late).toEqual(['first', 'second'])
})

test('a call that ends between its deadline and the look at the sockets was in time', async () => {
  const { clock, deadlines, late, begin } = setUp()
  const call = begin('in time')
  await Promise.resolve()
  const advanced = clock.advance(50)
  expect(deadlines.end(call)).toBe(true)
  await advanced
  await afterALook()
  expect(late).toEqual([])
})

test('a call ends once', async () => {
  const { clock, deadlines, begin } = setUp()
  const [ended, expired] = [begin('ended'), begin('expired')]
  expect([deadlines.end(ended), deadlines.end(ended)]).toEqual([true, false])
  await clock.advance(50)
  await afterALook()
  expect([expired.isOpen, deadlines.end(expired)]).toEqual([false, false])
})

test('no timer is left when all calls have ended, at once or later', async () => {
  const { clock, deadlines, begin } = setUp()
  deadlines.end(begin('at once'))
  await Promise.resolve()
  expect(clock.pending).toBe(0)
  const [one, other] = [begin('one'), begin('other')]
  await Promise.resolve()
  deadlines.end(one)
  expect(clock.pending).toBe(1)
  deadlines.end(other)
  expect(clock.pending).toBe(0)
})

describe('calls together', () => {
  test('have one deadline: it begins before the first of them, and ends the one that is on its way', async () => {
    const { clock, deadlines, late } = setUp()
    const common = deadlines.together()
    const first = common.begin(() => late.push('first'))
    await Promise.resolve()
    await clock.advance(40)
    expect(common.end(first)).toBe(true)
    common.begin(() => late.push('second'))
    await clock.advance(9)
    await afterALook()
    expect([late, common.isOver()]).toEqual([[], false])
    await clock.advance(1)
    await afterALook()
    expect([late, common.isOver()]).toEqual([['second'], true])
  })

  test('share a timer with others, and leave none when they are closed', async () => {
    const { clock, deadlines, begin } = setUp()
    const [common, other] = [deadlines.together(), begin('other')]
    await Promise.resolve()
    expect(clock.pending).toBe(1)
    common.close()
    expect([common.isOver(), clock.pending]).toEqual([true, 1])
    deadlines.end(other)
    expect(clock.pending).toBe(0)
  })

  test('end once', async () => {
    const { clock, deadlines } = setUp()
    const common = deadlines.together()
    const [ended, expired] = [common.begin(() => undefined), common.begin(() => undefined)]
    expect([common.end(ended), common.end(ended)]).toEqual([true, false])
    await clock.advance(50)
    await afterALook()
    expect([expired.isOpen, common.end(expired)]).toEqual([false, false])
  })
})
