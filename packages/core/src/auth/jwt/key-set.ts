import type { PublicKeyAlgorithm, TokenAlgorithm } from './algorithms.js'
import {
  fingerprintOf,
  importKey,
  type KeyRecord,
  readKey,
  type SkipReason,
  type UsableKey,
} from './key-record.js'

/** The keys of one document, by exact key id and algorithm. */
export interface KeySet {
  readonly records: readonly KeyRecord[]
  /**
   * The key for a token. Without a key id it is the only key that fits the algorithm, if there is exactly one.
   */
  find(kid: string | undefined, algorithm: TokenAlgorithm): KeyRecord | undefined
}

/** A key that is not used, for observers. */
export interface SkippedKey {
  readonly kid: string | undefined
  readonly reason: SkipReason
}

/** What a document says, before any key is imported. */
export interface KeyDocument {
  readonly usable: readonly UsableKey[]
  readonly skipped: readonly SkippedKey[]
}

/** The most keys a document may hold. */
const MOST_KEYS = 100

/** Reads a JSON Web Key Set (RFC 7517 5). Undefined when it has the wrong shape or no key that can be used. */
export function readKeySet(document: unknown): KeyDocument | undefined {
  const keys = membersOf(document)
  if (keys === undefined || keys.length > MOST_KEYS) return undefined
  const usable: UsableKey[] = []
  const skipped: SkippedKey[] = []
  const seen = new Set<string>()
  for (const value of keys) {
    const key = readKey(value)
    if (typeof key === 'string') {
      skipped.push({ kid: kidOf(value), reason: key })
      continue
    }
    // The first key of an id and algorithm is the key: a second one would make the choice a matter of luck.
    const algorithms = key.algorithms.filter((name) => key.kid === undefined || addTo(seen, key.kid, name))
    if (algorithms.length === 0) skipped.push({ kid: key.kid, reason: 'duplicate' })
    else usable.push({ ...key, algorithms })
  }
  return usable.length === 0 ? undefined : { usable, skipped }
}

/** Imports the keys of a document. Keys that `previous` holds unchanged keep their record. */
export async function importKeySet(document: KeyDocument, previous?: KeySet): Promise<KeySet> {
  const known = new Map(previous?.records.map((record) => [record.fingerprint, record]))
  const imports = document.usable.flatMap((key) =>
    key.algorithms.map(async (name) => known.get(fingerprintOf(key, name)) ?? importKey(key, name)),
  )
  return createKeySet(await Promise.all(imports))
}

/** Indexes imported keys. */
export function createKeySet(records: readonly KeyRecord[]): KeySet {
  const byKid = new Map<string, Map<TokenAlgorithm, KeyRecord>>()
  const byAlgorithm = new Map<TokenAlgorithm, KeyRecord[]>()
  for (const record of records) {
    if (record.kid !== undefined) entry(byKid, record.kid, () => new Map()).set(record.algorithm, record)
    entry(byAlgorithm, record.algorithm, () => []).push(record)
  }
  return {
    records,
    find(kid, algorithm) {
      if (kid !== undefined) return byKid.get(kid)?.get(algorithm)
      const fitting = byAlgorithm.get(algorithm)
      return fitting?.length === 1 ? fitting[0] : undefined
    },
  }
}

function membersOf(document: unknown): readonly unknown[] | undefined {
  if (typeof document !== 'object' || document === null || !Object.hasOwn(document, 'keys')) return undefined
  const { keys } = document as { keys: unknown }
  return Array.isArray(keys) ? keys : undefined
}

function kidOf(value: unknown): string | undefined {
  const { kid } = (value ?? {}) as { kid?: unknown }
  return typeof kid === 'string' ? kid.slice(0, 256) : undefined
}

function addTo(seen: Set<string>, kid: string, algorithm: PublicKeyAlgorithm): boolean {
  const name = `${algorithm} ${kid}`
  return !seen.has(name) && seen.add(name).has(name)
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}
