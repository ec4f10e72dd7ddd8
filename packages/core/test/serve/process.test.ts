import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { ownProcess, type StopCause } from '../../src/serve/process.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const exits: (number | string | null | undefined)[] = []
const stops: [StopCause, unknown][] = []

beforeEach(() => {
  exits.length = 0
  stops.length = 0
  jest.spyOn(process, 'exit').mockImplementation((code) => void exits.push(code) as never)
})

afterEach(() => {
  jest.restoreAllMocks()
  for (const name of ['SIGTERM', 'SIGINT', 'uncaughtException']) process.removeAllListeners(name)
})

/** A process whose drain ends when the test says so. */
function owned(): { clock: ManualClock; end: (error?: Error) => Promise<void> } {
  const clock = new ManualClock()
  let settle!: (error?: Error) => void
  const drained = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error))
  })
  ownProcess(
    () => drained,
    clock,
    (cause, error) => void stops.push([cause, error]),
  )
  return {
    clock,
    async end(error) {
      settle(error)
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('a process of its own', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('on %s drains and ends well', async (signal) => {
    const { end } = owned()
    process.emit(signal, signal)
    expect(stops).toEqual([[signal, undefined]])
    expect(exits).toEqual([])
    await end()
    expect(exits).toEqual([0])
  })

  test('on a second signal ends at once, with its number', () => {
    owned()
    process.emit('SIGINT', 'SIGINT')
    process.emit('SIGTERM', 'SIGTERM')
    expect(exits).toEqual([143])
    expect(stops).toHaveLength(1)
  })

  test('takes one press of Ctrl-C that arrives twice for one', async () => {
    const { clock } = owned()
    process.emit('SIGINT', 'SIGINT')
    await clock.advance(500)
    process.emit('SIGINT', 'SIGINT')
    expect(exits).toEqual([])
    await clock.advance(1)
    process.emit('SIGINT', 'SIGINT')
    expect(exits).toEqual([130])
  })

  test('on an error that nobody caught says so, drains and ends badly', async () => {
    const { end } = owned()
    const error = new Error('left half done')
    process.emit('uncaughtException', error)
    expect(stops).toEqual([['uncaughtException', error]])
    expect(exits).toEqual([])
    await end()
    expect(exits).toEqual([1])
  })

  test('on a second such error ends at once', () => {
    owned()
    process.emit('uncaughtException', new Error('first'))
    process.emit('uncaughtException', new Error('second'))
    expect(exits).toEqual([1])
  })

  test('ends badly when draining fails', async () => {
    const { end } = owned()
    process.emit('SIGTERM', 'SIGTERM')
    await end(new Error('the store does not close'))
    expect(exits).toEqual([1])
  })
})
