import { type ApiKeyLookup, type ApiKeyRecord, checkRecord, frozenRecord } from '../../auth/api-key-record.js'
import { type Duration, milliseconds } from '../../duration.js'
import { teller } from '../../observer.js'
import { checkText } from '../../options.js'
import { StoreUnavailable } from '../unavailable.js'
import { forgottenAt, idKey, recordKey } from './api-key-layout.js'
import { BIND, FIND, RESOLVE, RETIRE, REVOKE, STORE } from './api-keys.lua.js'
import { checkClient, type RedisLike } from './client.js'
import { type GuardedRedis, guardRedis, type RedisEvent } from './guard.js'
import { checkStoreOptions, type RedisStoreOptions } from './options.js'

/**
 * Looks API keys up in Redis, and keeps their records there. Every process asks the same records. Each member rejects
 * with `StoreUnavailable` while Redis is away; a change that rejects may have been made, and can be made again.
 */
export interface RedisApiKeys extends ApiKeyLookup {
  /**
   * Adds a record, or replaces that of the same digest.
   *
   * @returns `revoked` when the key was revoked before: it stays so. `id-taken` when another key has the id: nothing is
   * changed.
   * @throws TypeError when the record has the wrong shape.
   */
  put(record: ApiKeyRecord): Promise<'stored' | 'revoked' | 'id-taken'>
  /** Revokes a key for good. @returns whether it was known. */
  revoke(keyId: string): Promise<boolean>
  /** Lets a key work for so long and no longer, whatever is put later. @returns whether it was known. */
  retire(keyId: string, after: Duration): Promise<boolean>
}

/**
 * Makes a lookup of API keys in Redis: standalone, behind Sentinels, or a Cluster. Redis sees digests, never keys.
 *
 * @throws TypeError when an option can't be right.
 */
export function redisApiKeys(client: RedisLike, options: RedisStoreOptions = {}): RedisApiKeys {
  const { prefix, guard } = checkStoreOptions('redisApiKeys', options)
  const redis = guardRedis(checkClient('redisApiKeys', client), guard)
  return guardedApiKeys(redis, { prefix, onEvent: guard.onEvent })
}

/** What the keys on a guarded client need. */
export interface GuardedApiKeysInit {
  readonly prefix: string
  readonly onEvent?: ((event: RedisEvent) => void) | undefined
}

/** Makes the lookup on a guarded client that others may share. */
export function guardedApiKeys(redis: GuardedRedis, { prefix, onEvent }: GuardedApiKeysInit): RedisApiKeys {
  const report = teller(onEvent)
  const lookup: ApiKeyLookup = async ({ digest }) => {
    const key = recordKey(prefix, digest)
    try {
      const stored = (await redis.run(FIND, [key])) as StoredRecord
      return stored[0] === null ? undefined : readRecord(stored)
    } catch (error) {
      if (isUnreadable(error)) report({ type: 'redis.record-unreadable', key })
      throw error
    }
  }
  return Object.assign(lookup, {
    async put(record: ApiKeyRecord) {
      const checked = frozenRecord(checkRecord('redisApiKeys: record', record))
      const { digest, keyId } = checked
      const end = forgottenAt(checked) ?? ''
      // The id first: whatever happens in between, there is no key that can't be revoked.
      const isBound = await redis.run(BIND, [idKey(prefix, keyId)], [digest, end])
      if (Number(isBound) === 0) return 'id-taken'
      const works = await redis.run(STORE, [recordKey(prefix, digest)], [JSON.stringify(checked), end])
      return Number(works) === 1 ? 'stored' : 'revoked'
    },
    async revoke(keyId: string) {
      const key = await recordOf(keyId)
      return key !== undefined && Number(await redis.run(REVOKE, [key])) === 1
    },
    async retire(keyId: string, after: Duration) {
      const span = Math.ceil(milliseconds('redisApiKeys: after', after))
      const key = await recordOf(keyId)
      return key !== undefined && Number(await redis.run(RETIRE, [key], [span])) === 1
    },
  })

  async function recordOf(keyId: string): Promise<string | undefined> {
    const digest = await redis.run(RESOLVE, [idKey(prefix, checkText('redisApiKeys: keyId', keyId))])
    return typeof digest === 'string' ? recordKey(prefix, digest) : undefined
  }
}

type StoredRecord = readonly [record: string | null, disabledAt: string | null, endsAt: string | null]

/** @throws TypeError when it is no record. Its text is never quoted. */
function readRecord([text, disabledAt, endsAt]: StoredRecord): ApiKeyRecord {
  let value: unknown
  try {
    value = JSON.parse(text ?? '')
  } catch {
    throw new TypeError(`${STORED} is not JSON`)
  }
  const record = checkRecord(STORED, value)
  return checkRecord(STORED, {
    ...record,
    ...(disabledAt !== null && { disabledAt: Number(disabledAt) }),
    ...(endsAt !== null && { expiresAt: Math.min(Number(endsAt), record.expiresAt ?? Infinity) }),
  })
}

/** The server is there: what it holds is none of ours. */
function isUnreadable(error: unknown): boolean {
  return !(error instanceof StoreUnavailable) || error.kind === 'WRONGTYPE'
}

const STORED = 'redisApiKeys: a stored record'
