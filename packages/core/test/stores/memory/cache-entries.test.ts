import { describe, expect, test } from '@jest/globals'
import { cacheEntries, type CacheEntry } from '../../../src/stores/memory/cache-entries.js'

const ENOUGH = 1_000_000

function entryOf(body: string, { vary = [], variant = '' }: Partial<CacheEntry> = {}): CacheEntry {
  const answer = { status: 200, headers: {}, body: Buffer.from(body), lifetime: 1_000, initialAge: 0 }
  const times = { storedAt: 0, expiresAt: 1_000, compared: 0 }
  return { key: 'key', vary, variant, tags: [], ticket: 0, answer, ...times }
}

/** What a request finds that selects `variant` under every list but the empty one. */
function bodies(entries: ReturnType<typeof cacheEntries>, variant: string): readonly string[] {
  return entries
    .selected('key', (vary) => (vary.length === 0 ? '' : variant))
    .map(({ answer }) => Buffer.from(answer.body ?? []).toString())
}

describe('the entries of a key', () => {
  test('hold one answer of a variant: the latest takes the place of the one before', () => {
    const entries = cacheEntries(ENOUGH, 32)
    const languages = { vary: ['accept-language'], variant: 'de' }
    for (const body of ['first', 'second']) {
      entries.put(entryOf(body))
      entries.put(entryOf(`${body} in German`, languages))
    }
    expect(bodies(entries, 'de')).toEqual(['second in German', 'second'])
    expect(bodies(entries, 'fr')).toEqual(['second'])
  })

  test('tell equal variants of other lists apart', () => {
    const entries = cacheEntries(ENOUGH, 32)
    entries.put(entryOf('by language', { vary: ['accept-language'], variant: 'same' }))
    entries.put(entryOf('by encoding', { vary: ['accept-encoding'], variant: 'same' }))
    expect(bodies(entries, 'same')).toEqual(['by encoding', 'by language'])
  })

  test('make room by the least used variant, not by the first', () => {
    const entries = cacheEntries(ENOUGH, 2)
    const [german, french, italian] = ['de', 'fr', 'it'].map((variant) => {
      return entryOf(variant, { vary: ['accept-language'], variant })
    }) as [CacheEntry, CacheEntry, CacheEntry]
    entries.put(german)
    entries.put(french)
    entries.touch(german)
    entries.put(italian)
    expect(['de', 'fr', 'it'].map((variant) => bodies(entries, variant).length)).toEqual([1, 0, 1])
  })

  test('are gone with the last of them', () => {
    const entries = cacheEntries(ENOUGH, 32)
    const only = entryOf('only')
    entries.put(only)
    entries.remove(only)
    expect([entries.has('key'), bodies(entries, 'de')]).toEqual([false, []])
  })
})
