import { deepStrictEqual, rejects, strictEqual } from 'node:assert/strict'
import type { Remembered, ReplayStore } from '../auth/replay-store.js'
import { randomId } from '../id.js'
import { keyOf } from '../key.js'
import { ManualClock } from './manual-clock.js'

/** One behaviour that every store must have. */
export interface ReplayStoreCase {
  readonly name: string
  readonly run: () => Promise<void>
}

/** The bounds that the store under test is to have. */
export interface ReplayStoreBounds {
  /** Ids of one source. */
  readonly maxEntriesPerSource: number
}

/** Makes the store under test, with its time taken from `clock`. */
export type ReplayStoreFactory = (
  clock: ManualClock,
  bounds: ReplayStoreBounds,
) => ReplayStore | Promise<ReplayStore>

/** What every replay store must do, as cases for any test runner. Each case makes a store and sources of its own. */
export function replayStoreSuite(create: ReplayStoreFactory): readonly ReplayStoreCase[] {
  return Object.entries(CASES).map(([name, check]) => ({
    name,
    async run() {
      const clock = new ManualClock()
      const store = await create(clock, { maxEntriesPerSource: ROOM })
      const run = randomId()
      const remember: Subject['remember'] = async (source, id, milliseconds = MINUTE) =>
        store.remember(keyOf('id', id), keyOf('source', run, source), milliseconds)
      await check({ remember, clock })
    },
  }))
}

const MINUTE = 60_000
const ROOM = 10

interface Subject {
  readonly remember: (source: string, id: string | number, milliseconds?: number) => Promise<Remembered>
  readonly clock: ManualClock
}

const CASES: Readonly<Record<string, (subject: Subject) => Promise<void>>> = {
  'of fifty at once one is fresh': async ({ remember }) => {
    const all = await Promise.all(Array.from({ length: 50 }, () => remember('ann', 'one')))
    deepStrictEqual(all.toSorted(), ['fresh', ...Array<string>(49).fill('seen')])
  },

  'an id is seen until its time is over, and fresh from then on': async ({ remember, clock }) => {
    strictEqual(await remember('ann', 'one', 1_500), 'fresh')
    await clock.advance(1_499)
    strictEqual(await remember('ann', 'one', 1_500), 'seen')
    await clock.advance(1)
    strictEqual(await remember('ann', 'one', 1_500), 'fresh')
    await clock.advance(1_499)
    strictEqual(await remember('ann', 'one', 1_500), 'seen')
  },

  'who brings it again does not make it last longer': async ({ remember, clock }) => {
    await remember('ann', 'one')
    await clock.advance(MINUTE / 2)
    strictEqual(await remember('ann', 'one'), 'seen')
    await clock.advance(MINUTE / 2)
    strictEqual(await remember('ann', 'one'), 'fresh')
  },

  'a short one does not end a long one': async ({ remember, clock }) => {
    await remember('ann', 'long')
    await remember('ann', 'short', 1_000)
    await clock.advance(MINUTE - 1)
    strictEqual(await remember('ann', 'long'), 'seen')
    strictEqual(await remember('ann', 'short', 1_000), 'fresh')
    strictEqual(await remember('ann', 'long'), 'seen')
  },

  'a short one makes room when it ends, whatever came before it': async ({ remember, clock }) => {
    for (let id = 1; id < ROOM; id += 1) await remember('ann', id)
    await remember('ann', 'short', 1_000)
    strictEqual(await remember('ann', 'more'), 'full')
    await clock.advance(1_000)
    strictEqual(await remember('ann', 'more'), 'fresh')
    strictEqual(await remember('ann', 'still more'), 'full')
  },

  'sources share no ids': async ({ remember }) => {
    strictEqual(await remember('ann', 'one'), 'fresh')
    strictEqual(await remember('bob', 'one'), 'fresh')
    strictEqual(await remember('ann', 'one'), 'seen')
    strictEqual(await remember('bob', 'one'), 'seen')
  },

  'a source that has used up its share is refused, nothing of it is forgotten, and others lose nothing':
    async ({ remember }) => {
      await remember('bob', 'before')
      for (let id = 0; id < ROOM; id += 1) strictEqual(await remember('ann', id), 'fresh')
      for (let id = ROOM; id < 5 * ROOM; id += 1) strictEqual(await remember('ann', id), 'full')
      for (let id = 0; id < ROOM; id += 1) strictEqual(await remember('ann', id), 'seen')
      strictEqual(await remember('bob', 'before'), 'seen')
      for (let id = 1; id < ROOM; id += 1) strictEqual(await remember('bob', id), 'fresh')
    },

  'of fifty different ones at once a share takes exactly what it has room for': async ({ remember }) => {
    const all = await Promise.all(Array.from({ length: 50 }, (_, id) => remember('ann', id)))
    strictEqual(all.filter((one) => one === 'fresh').length, ROOM)
    strictEqual(all.filter((one) => one === 'full').length, 50 - ROOM)
  },

  'what was refused was not remembered': async ({ remember, clock }) => {
    for (let id = 0; id < ROOM; id += 1) await remember('ann', id)
    strictEqual(await remember('ann', 'refused'), 'full')
    await clock.advance(MINUTE)
    strictEqual(await remember('ann', 'refused'), 'fresh')
  },

  'a time that is none is an error, and no use of the id': async ({ remember }) => {
    for (const span of [Number.NaN, 0, -1, Number.POSITIVE_INFINITY]) {
      await rejects(remember('ann', 'one', span))
    }
    strictEqual(await remember('ann', 'one'), 'fresh')
    strictEqual(await remember('ann', 'one'), 'seen')
  },

  'a share that ended is free as a whole': async ({ remember, clock }) => {
    for (let id = 0; id < ROOM; id += 1) await remember('ann', id)
    await clock.advance(MINUTE)
    for (let id = 0; id < ROOM; id += 1) strictEqual(await remember('ann', `new ${id}`), 'fresh')
    strictEqual(await remember('ann', 'more'), 'full')
  },
}
