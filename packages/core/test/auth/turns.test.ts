import { describe, expect, test } from '@jest/globals'
import { takeTurns } from '../../src/auth/turns.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const KEY = 'an address'

/** A line whose room somebody reads over a network: it takes a turn of the loop. */
function line(free: { room: number }) {
  const clock = new ManualClock()
  const turns = takeTurns(clock, 1_000)
  const order: string[] = []
  const ends = new Map<string, (used: boolean) => void>()
  return {
    clock,
    order,
    /** Comes, and once it has its turn keeps it until it is ended. */
    come: (name: string): Promise<unknown> => {
      const work = (): Promise<{ result: string; used: boolean }> => {
        order.push(name)
        return new Promise((resolve) => ends.set(name, (used) => resolve({ result: name, used })))
      }
      return turns.take(KEY, () => turnOfLoop().then(() => free.room), work)
    },
    end: async (name: string, used = false): Promise<void> => {
      ends.get(name)?.(used)
      await turnOfLoop()
    },
  }
}

test('those who use up no room need not ask for it again when they waited', async () => {
  const turns = takeTurns(new ManualClock(), 1_000)
  let asked = 0
  const room = async (): Promise<number> => {
    asked += 1
    return 1
  }
  const work = async (): Promise<{ result: number; used: boolean }> => ({ result: asked, used: false })
  await Promise.all(Array.from({ length: 100 }, () => turns.take(KEY, room, work)))
  expect(asked).toBe(100)
})

describe('those who wait for a turn', () => {
  test('get it before those who come later, also in the moment in which it is given on', async () => {
    const { come, end, order } = line({ room: 1 })
    void come('first')
    await settle()
    void come('waiting')
    await settle()
    void come('late') // reads the room now, and finds it when the first one is gone
    await end('first')
    await settle()
    expect(order).toEqual(['first', 'waiting'])
    await end('waiting')
    await settle()
    expect(order).toEqual(['first', 'waiting', 'late'])
  })

  test('wait a second in all, however often they are called and there is no room again', async () => {
    const free = { room: 2 }
    const { come, end, clock } = line(free)
    for (const name of ['a', 'b']) void come(name)
    await settle()
    let outcome: unknown = 'waiting'
    void come('patient').then((turn) => (outcome = turn))
    await settle()
    await clock.advance(600)
    free.room = 1
    await end('a', true) // it is called, and finds that 'b' has the only place left
    await settle()
    await clock.advance(399)
    expect(outcome).toBe('waiting')
    await clock.advance(1)
    expect(outcome).toBe('late')
    expect(clock.pending).toBe(0)
  })

  test('are all called when there is room again for all', async () => {
    const free = { room: 1 }
    const { come, end, order } = line(free)
    for (const name of ['a', 'b', 'c', 'd']) {
      void come(name)
      await settle()
    }
    free.room = 3
    await end('a', true)
    await settle()
    expect(order).toEqual(['a', 'b', 'c', 'd'])
  })

  test('leave nothing behind where the room can not be read', async () => {
    const clock = new ManualClock()
    const turns = takeTurns(clock, 1_000)
    let end: (() => void) | undefined
    const running = turns.take(
      KEY,
      async () => 1,
      () =>
        new Promise<{ result: string; used: boolean }>((resolve) => {
          end = () => resolve({ result: 'first', used: true })
        }),
    )
    await settle()
    let asked = 0
    const unread = async (): Promise<number> => {
      asked += 1
      if (asked > 1) throw new Error('away')
      return 1
    }
    const failing = turns.take(KEY, unread, async () => ({ result: 'second', used: false }))
    const next = turns.take(
      KEY,
      async () => 1,
      async () => ({ result: 'third', used: false }),
    )
    await settle()
    end?.()
    await expect(failing).rejects.toThrow('away')
    expect(await running).toEqual({ result: 'first' })
    expect(await next).toEqual({ result: 'third' })
    expect(clock.pending).toBe(0)
  })
})

async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await turnOfLoop()
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
