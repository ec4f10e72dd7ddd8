import { type ApiKeyLookup, type ApiKeyRecord, checkRecord, frozenRecord } from './api-key-record.js'

/** A lookup in a list. */
export interface MemoryApiKeys extends ApiKeyLookup {
  /** How many keys there are. */
  readonly size: number
}

/**
 * Looks API keys up in a list, by digest. For a handful of keys that come from the configuration.
 *
 * @throws TypeError when a record has the wrong shape or an unknown member, or two have the same digest.
 */
export function memoryApiKeys(records: Iterable<ApiKeyRecord>): MemoryApiKeys {
  const byDigest = new Map<string, ApiKeyRecord>()
  if (typeof records?.[Symbol.iterator] !== 'function')
    throw new TypeError('memoryApiKeys: records must be a list')
  let index = 0
  for (const given of records) {
    const record = checkRecord(`memoryApiKeys: records[${index++}]`, given)
    if (byDigest.has(record.digest)) throw new TypeError('memoryApiKeys: two records have the same digest')
    byDigest.set(record.digest, frozenRecord(record))
  }
  const lookup: ApiKeyLookup = ({ digest }) => byDigest.get(digest)
  return Object.assign(lookup, { size: byDigest.size })
}
