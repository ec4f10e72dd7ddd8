import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import type { CacheFill, CacheLookup, CacheStore, StoredAnswer } from '../cache/store.js'
import { randomId } from '../id.js'
import { ManualClock } from './manual-clock.js'

/** One behaviour that every store must have. */
export interface CacheStoreCase {
  readonly name: string
  readonly run: () => Promise<void>
}

/** Bounds that the cases reach. */
export interface CacheStoreBounds {
  /** The most bytes in all. */
  readonly maxBytes: number
  /** The most variants of one key. */
  readonly maxVariants: number
  /** The most invalidated tags that are remembered. */
  readonly maxTags: number
}

/** Makes the store under test, empty or with a key space of its own, with its time taken from `clock`. */
export type CacheStoreFactory = (
  clock: ManualClock,
  bounds: CacheStoreBounds,
) => CacheStore | Promise<CacheStore>

const BOUNDS: CacheStoreBounds = { maxBytes: 65_536, maxVariants: 4, maxTags: 8 }

/** What every cache store must do, as cases for any test runner. Each case makes a store and keys of its own. */
export function cacheStoreSuite(create: CacheStoreFactory): readonly CacheStoreCase[] {
  return Object.entries(CASES).map(([name, check]) => ({
    name,
    async run() {
      const clock = new ManualClock()
      await check({
        store: await create(clock, BOUNDS),
        clock,
        key: `key-${randomId()}`,
        tag: `tag-${randomId()}`,
      })
    },
  }))
}

interface Subject {
  readonly store: CacheStore
  readonly clock: ManualClock
  readonly key: string
  readonly tag: string
}

const BYTES = Buffer.from([0, 255, 10, 13, 128, 123])
const ANSWER: StoredAnswer = {
  status: 200,
  headers: { 'content-type': 'application/octet-stream', link: ['</a>; rel="a"', '</b>; rel="b"'] },
  body: BYTES,
  lifetime: 60_000,
  initialAge: 1_500,
}

function fillOf(more: Partial<CacheFill> = {}): CacheFill {
  return { vary: [], variant: '', tags: [], keep: 60_000, answer: ANSWER, ...more }
}

function answerOf(text: string): StoredAnswer {
  return { ...ANSWER, body: Buffer.from(text) }
}

/** Looks up as a request without any selecting field. */
function plain(store: CacheStore, key: string): CacheLookup | Promise<CacheLookup> {
  return store.lookup([key], (vary) => (vary.length === 0 ? '' : 'none'))
}

function select(variant: string): (vary: readonly string[]) => string {
  return (vary) => (vary.length === 0 ? '' : variant)
}

function textOf(found: CacheLookup): string {
  return found.state === 'hit' ? Buffer.from(found.answer.body ?? []).toString() : found.reason
}

const CASES: Readonly<Record<string, (subject: Subject) => Promise<void>>> = {
  'an empty store misses': async ({ store, key }) => {
    const found = await plain(store, key)
    strictEqual(found.state, 'miss')
    strictEqual(textOf(found), 'uri-miss')
  },
  'a stored answer comes back as it was, every byte and every field line': async ({ store, key }) => {
    const { ticket } = await plain(store, key)
    strictEqual(await store.fill(key, ticket, fillOf()), 'stored')
    const found = await plain(store, key)
    strictEqual(found.state, 'hit')
    if (found.state !== 'hit') return
    deepStrictEqual(
      { ...found.answer, body: [...(found.answer.body ?? [])] },
      { ...ANSWER, body: [...BYTES] },
    )
    strictEqual(found.residence, 0)
  },
  'an answer without a body comes back without one': async ({ store, key }) => {
    const { ticket } = await plain(store, key)
    await store.fill(key, ticket, fillOf({ answer: { ...ANSWER, status: 301, body: null } }))
    const found = await plain(store, key)
    strictEqual(found.state === 'hit' && found.answer.body, null)
  },
  'a buffer that the handler uses again does not change what is stored': async ({ store, key }) => {
    const { ticket } = await plain(store, key)
    const buffer = Buffer.from('first')
    await store.fill(key, ticket, fillOf({ answer: { ...ANSWER, body: buffer } }))
    buffer.fill('x')
    strictEqual(textOf(await plain(store, key)), 'first')
  },
  'an answer is found until its time is over, and not after': async ({ store, clock, key }) => {
    const { ticket } = await plain(store, key)
    await store.fill(key, ticket, fillOf({ keep: 10_000 }))
    await clock.advance(9_999)
    const found = await plain(store, key)
    strictEqual(found.state === 'hit' && found.residence, 9_999)
    await clock.advance(1)
    strictEqual((await plain(store, key)).state, 'miss')
  },
  'a clock that steps back makes nothing younger and nothing immortal': async ({ store, clock, key }) => {
    const { ticket } = await plain(store, key)
    await store.fill(key, ticket, fillOf({ keep: 10_000 }))
    await clock.advance(4_000)
    const before = await plain(store, key)
    clock.step(clock.now() - 3_600_000)
    const after = await plain(store, key)
    strictEqual(before.state === 'hit' && before.residence, 4_000)
    strictEqual(after.state === 'hit' && after.residence, 4_000)
    await clock.advance(6_000)
    strictEqual((await plain(store, key)).state, 'miss')
  },
  'the first key that has an answer gives it': async ({ store, key }) => {
    const other = `${key}-other`
    const { ticket } = await plain(store, key)
    await store.fill(other, ticket, fillOf({ answer: answerOf('other') }))
    strictEqual(textOf(await store.lookup([key, other], select(''))), 'other')
    await store.fill(key, ticket, fillOf({ answer: answerOf('own') }))
    strictEqual(textOf(await store.lookup([key, other], select(''))), 'own')
    strictEqual(textOf(await plain(store, other)), 'other')
  },
  'a later fill takes the place of an earlier one': async ({ store, key }) => {
    for (const text of ['first', 'second']) {
      const { ticket } = await plain(store, key)
      await store.fill(key, ticket, fillOf({ answer: answerOf(text) }))
    }
    strictEqual(textOf(await plain(store, key)), 'second')
  },
  'a variant is found by its own selecting fields only': async ({ store, key }) => {
    const { ticket } = await plain(store, key)
    for (const variant of ['de', 'en']) {
      await store.fill(key, ticket, fillOf({ vary: ['accept-language'], variant, answer: answerOf(variant) }))
    }
    strictEqual(textOf(await store.lookup([key], select('de'))), 'de')
    strictEqual(textOf(await store.lookup([key], select('en'))), 'en')
    strictEqual(textOf(await store.lookup([key], select('fr'))), 'vary-miss')
  },
  'the same variant under another list of fields is another entry': async ({ store, key }) => {
    const { ticket } = await plain(store, key)
    await store.fill(key, ticket, fillOf({ vary: ['a'], variant: 'same', answer: answerOf('a') }))
    const found = await store.lookup([key], (vary) => (vary.join() === 'a' ? 'another' : 'same'))
    strictEqual(found.state, 'miss')
  },
  'each entry is compared by its own list of fields': async ({ store, key }) => {
    const { ticket } = await plain(store, key)
    for (const name of ['a', 'b', 'c']) {
      await store.fill(key, ticket, fillOf({ vary: [name], variant: `v-${name}`, answer: answerOf(name) }))
    }
    for (const name of ['a', 'b', 'c']) {
      const found = await store.lookup([key], ([field]) => (field === name ? `v-${name}` : 'another'))
      strictEqual(textOf(found), name)
    }
  },
  'of several that match, the latest with selecting fields is found': async ({ store, key }) => {
    const { ticket } = await plain(store, key)
    await store.fill(key, ticket, fillOf({ vary: ['a'], variant: 'v', answer: answerOf('older') }))
    await store.fill(key, ticket, fillOf({ vary: ['b'], variant: 'v', answer: answerOf('later') }))
    await store.fill(key, ticket, fillOf({ answer: answerOf('without') }))
    strictEqual(textOf(await store.lookup([key], select('v'))), 'later')
  },
  'variants of a key are bounded, and what is used stays': async ({ store, key }) => {
    const { ticket } = await plain(store, key)
    for (let index = 0; index < 50; index += 1) {
      const variant = `v${index}`
      await store.fill(key, ticket, fillOf({ vary: ['a'], variant, answer: answerOf(variant) }))
      strictEqual(textOf(await store.lookup([key], select('v0'))), 'v0')
    }
    let found = 0
    for (let index = 0; index < 50; index += 1) {
      if ((await store.lookup([key], select(`v${index}`))).state === 'hit') found += 1
    }
    strictEqual(found, BOUNDS.maxVariants)
  },
  'the bytes of all entries are bounded': async ({ store, key }) => {
    const { ticket } = await plain(store, key)
    const size = BOUNDS.maxBytes / 8
    for (let index = 0; index < 40; index += 1) {
      const answer = { ...ANSWER, body: Buffer.alloc(size) }
      strictEqual(await store.fill(`${key}-${index}`, ticket, fillOf({ answer })), 'stored')
    }
    let bytes = 0
    for (let index = 0; index < 40; index += 1) {
      const found = await plain(store, `${key}-${index}`)
      if (found.state === 'hit') bytes += found.answer.body?.byteLength ?? 0
    }
    strictEqual(bytes > 0 && bytes <= BOUNDS.maxBytes, true)
  },
  'an answer larger than everything is not stored and drives nothing out': async ({ store, key }) => {
    const { ticket } = await plain(store, key)
    await store.fill(key, ticket, fillOf({ answer: answerOf('small') }))
    const answer = { ...ANSWER, body: Buffer.alloc(BOUNDS.maxBytes + 1) }
    strictEqual(await store.fill(`${key}-large`, ticket, fillOf({ answer })), 'too-large')
    strictEqual(textOf(await plain(store, key)), 'small')
  },
  'an invalidated tag takes its entries and leaves the others': async ({ store, key, tag }) => {
    const { ticket } = await plain(store, key)
    await store.fill(key, ticket, fillOf({ tags: [`${tag}-other`, tag] }))
    await store.fill(`${key}-other`, ticket, fillOf({ tags: [`${tag}-other`] }))
    await store.invalidate([tag])
    strictEqual((await plain(store, key)).state, 'miss')
    strictEqual((await plain(store, `${key}-other`)).state, 'hit')
  },
  'one invalidation takes every variant and every key of the tag': async ({ store, key, tag }) => {
    const { ticket } = await plain(store, key)
    for (const variant of ['a', 'b']) {
      await store.fill(key, ticket, fillOf({ vary: ['x'], variant, tags: [tag] }))
      await store.fill(`${key}-2`, ticket, fillOf({ vary: ['x'], variant, tags: [tag] }))
    }
    await store.invalidate([tag])
    for (const variant of ['a', 'b']) {
      strictEqual((await store.lookup([key, `${key}-2`], select(variant))).state, 'miss')
    }
  },
  'a fill that began before an invalidation is dropped, also by a tag known only now': async ({
    store,
    key,
    tag,
  }) => {
    const { ticket } = await plain(store, key)
    await store.invalidate([tag])
    strictEqual(await store.fill(key, ticket, fillOf({ tags: [`${tag}-other`, tag] })), 'overtaken')
    strictEqual((await plain(store, key)).state, 'miss')
  },
  'a fill that began after an invalidation is stored': async ({ store, key, tag }) => {
    await store.invalidate([tag])
    const { ticket } = await plain(store, key)
    strictEqual(await store.fill(key, ticket, fillOf({ tags: [tag] })), 'stored')
    strictEqual((await plain(store, key)).state, 'hit')
  },
  'an overtaken fill does not drive out the answer that overtook it': async ({ store, key, tag }) => {
    const late = await plain(store, key)
    await store.invalidate([tag])
    const { ticket } = await plain(store, key)
    await store.fill(key, ticket, fillOf({ tags: [tag], answer: answerOf('new') }))
    strictEqual(
      await store.fill(key, late.ticket, fillOf({ tags: [tag], answer: answerOf('old') })),
      'overtaken',
    )
    strictEqual(textOf(await plain(store, key)), 'new')
  },
  'a hit draws a ticket that a later invalidation makes worthless': async ({ store, key, tag }) => {
    const first = await plain(store, key)
    await store.fill(key, first.ticket, fillOf({ tags: [tag] }))
    const hit = await plain(store, key)
    strictEqual(hit.state, 'hit')
    await store.invalidate([tag])
    strictEqual(await store.fill(key, hit.ticket, fillOf({ tags: [tag] })), 'overtaken')
  },
  'an invalidation that the store had to forget counts as one of every tag': async ({ store, key, tag }) => {
    const { ticket } = await plain(store, key)
    await store.fill(key, ticket, fillOf({ tags: [tag] }))
    const late = await plain(store, key)
    await store.invalidate([tag])
    for (let index = 0; index < 4 * BOUNDS.maxTags; index += 1) await store.invalidate([`${tag}-${index}`])
    strictEqual((await plain(store, key)).state, 'miss')
    strictEqual(await store.fill(key, late.ticket, fillOf({ tags: [tag] })), 'overtaken')
    const fresh = await plain(store, key)
    strictEqual(await store.fill(key, fresh.ticket, fillOf({ tags: [tag] })), 'stored')
    strictEqual((await plain(store, key)).state, 'hit')
  },
  'more tags at once than the store remembers are all invalidated': async ({ store, key, tag }) => {
    const tags = Array.from({ length: 4 * BOUNDS.maxTags }, (_, index) => `${tag}-${index}`)
    const { ticket } = await plain(store, key)
    for (const each of tags) await store.fill(`${key}-${each}`, ticket, fillOf({ tags: [each] }))
    await store.invalidate(tags)
    for (const each of tags) strictEqual((await plain(store, `${key}-${each}`)).state, 'miss')
  },
  'an invalidation of nothing changes nothing': async ({ store, key, tag }) => {
    const { ticket } = await plain(store, key)
    await store.invalidate([])
    strictEqual(await store.fill(key, ticket, fillOf({ tags: [tag] })), 'stored')
    strictEqual((await plain(store, key)).state, 'hit')
  },
}
