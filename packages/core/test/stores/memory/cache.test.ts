import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { CacheStore, StoredAnswer } from '../../../src/cache/store.js'
import { memoryCacheStore } from '../../../src/stores/memory/cache.js'
import { cacheStoreSuite } from '../../../src/testing/cache-store-suite.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'

describe('the memory store does what every store must', () => {
  for (const { name, run } of cacheStoreSuite((clock, bounds) => memoryCacheStore({ clock, ...bounds }))) {
    test(name, run)
  }
})

/** The cases that a store with one method replaced fails. */
async function failures(fault: (store: CacheStore) => Partial<CacheStore>): Promise<readonly string[]> {
  const failed: string[] = []
  const cases = cacheStoreSuite((clock, bounds) => {
    const store = memoryCacheStore({ clock, ...bounds })
    return { ...store, ...fault(store) }
  })
  for (const { name, run } of cases) {
    try {
      await run()
    } catch {
      failed.push(name)
    }
  }
  return failed
}

describe('the suite finds a store that', () => {
  const faults: Readonly<Record<string, (store: CacheStore) => Partial<CacheStore>>> = {
    'does not invalidate': () => ({ invalidate: () => {} }),
    'forgets invalidations': (store) => ({ invalidate: (tags) => store.invalidate(tags.slice(0, 8)) }),
    'ignores tickets': (store) => ({
      fill: async (key, _ticket, fill) => store.fill(key, (await store.lookup([], () => '')).ticket, fill),
    }),
    'ignores tags': (store) => ({
      fill: (key, ticket, fill) => store.fill(key, ticket, { ...fill, tags: [] }),
    }),
    'ignores selecting fields': (store) => ({
      fill: (key, ticket, fill) => store.fill(key, ticket, { ...fill, vary: [], variant: '' }),
    }),
    'keeps for ever': (store) => ({
      fill: (key, ticket, fill) => store.fill(key, ticket, { ...fill, keep: Infinity }),
    }),
    'looks at one key only': (store) => ({
      lookup: (keys, select) => store.lookup(keys.slice(0, 1), select),
    }),
    'mangles bytes': (store) => ({
      fill: (key, ticket, fill) => {
        const { body } = fill.answer
        const text = body === null ? null : Buffer.from(Buffer.from(body).toString())
        return store.fill(key, ticket, { ...fill, answer: { ...fill.answer, body: text } })
      },
    }),
    'joins field lines': (store) => ({
      fill: (key, ticket, fill) => {
        const headers = Object.entries(fill.answer.headers).map(([name, value]) => [name, String(value)])
        const answer = { ...fill.answer, headers: Object.fromEntries(headers) }
        return store.fill(key, ticket, { ...fill, answer })
      },
    }),
  }
  for (const [name, fault] of Object.entries(faults)) {
    test(name, async () => {
      expect(await failures(fault)).not.toEqual([])
    })
  }

  test('is not bounded', async () => {
    const cases = cacheStoreSuite((clock) => memoryCacheStore({ clock }))
    const failed = await Promise.all(
      cases.map(({ name, run }) =>
        run().then(
          () => undefined,
          () => name,
        ),
      ),
    )
    expect(failed.filter((name) => name !== undefined)).toEqual([
      'variants of a key are bounded, and what is used stays',
      'the bytes of all entries are bounded',
      'an answer larger than everything is not stored and drives nothing out',
    ])
  })
})

const KEYS = ['0', '1', '2'] as const
const TAGS = ['0', '1', '2', '3', '4', '5'] as const

/** Reads that begin and end, and writes, in any order over a few keys and tags. */
const step = fc.oneof(
  fc.record({ do: fc.constant('begin' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({
    do: fc.constant('end' as const),
    which: fc.nat(),
    tags: fc.uniqueArray(fc.constantFrom(...TAGS), { maxLength: 3 }),
  }),
  fc.record({
    do: fc.constant('write' as const),
    tags: fc.uniqueArray(fc.constantFrom(...TAGS), { maxLength: 2 }),
  }),
)

function answerOf(text: string): StoredAnswer {
  return { status: 200, headers: {}, body: Buffer.from(text), lifetime: 60_000, initialAge: 0 }
}

/** A store beside the facts: when each tag was written, when each answer was begun and from what it was made. */
class Model {
  readonly #store: CacheStore
  readonly #written = new Map<string, number>()
  readonly #made = new Map<string, { began: number; tags: readonly string[] }>()
  readonly #reading: { key: string; ticket: string; began: number }[] = []

  constructor(maxTags: number) {
    this.#store = memoryCacheStore({ clock: new ManualClock(), maxTags })
  }

  async write(tags: readonly string[], time: number): Promise<void> {
    await this.#store.invalidate(tags)
    for (const tag of tags) this.#written.set(tag, time)
  }

  /** Whether what is found, if anything, is younger than every write of its tags. */
  async begin(key: string, time: number): Promise<boolean> {
    const found = await this.#store.lookup([key], () => '')
    if (found.state === 'miss') {
      this.#reading.push({ key, ticket: found.ticket, began: time })
      return true
    }
    const { began, tags } = this.#made.get(String(found.answer.headers['made'])) ?? { began: -1, tags: [] }
    return tags.every((tag) => (this.#written.get(tag) ?? -1) < began)
  }

  async end(which: number, tags: readonly string[], time: number): Promise<void> {
    const [read] = this.#reading.splice(which % Math.max(1, this.#reading.length), 1)
    if (read === undefined) return
    this.#made.set(String(time), { began: read.began, tags })
    const answer = { ...answerOf('content'), headers: { made: String(time) } }
    await this.#store.fill(read.key, read.ticket, { vary: [], variant: '', tags, keep: 60_000, answer })
  }
}

describe('in any order of lookups, fills and invalidations', () => {
  test.each([1, 2, 64])(
    'nothing older than an invalidation of its tags is found, %i stamps kept',
    async (most) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
          const model = new Model(most)
          for (const [time, each] of steps.entries()) {
            if (each.do === 'write') await model.write(each.tags, time)
            else if (each.do === 'end') await model.end(each.which, each.tags, time)
            else expect(await model.begin(each.key, time)).toBe(true)
          }
        }),
        { numRuns: 500 },
      )
    },
  )
})

test('a small answer cut from a pool does not keep the pool alive uncounted', () => {
  const store = memoryCacheStore({ clock: new ManualClock() })
  const body = Buffer.from('small')
  void store.fill('key', '0', {
    vary: [],
    variant: '',
    tags: [],
    keep: 1_000,
    answer: { ...answerOf(''), body },
  })
  const found = store.lookup(['key'], () => '')
  if (found instanceof Promise || found.state !== 'hit') throw new Error('not found')
  expect(found.answer.body?.buffer.byteLength).toBe(5)
})

test.each([
  { maxBytes: 0 },
  { maxBytes: '1mb' },
  { maxVariants: 0.5 },
  { maxTags: Number.NaN },
  { clock: {} },
  { max: 5 },
])('%j is no setting', (options) => {
  expect(() => memoryCacheStore(options as object)).toThrow(TypeError)
})
