import type { ApiKeyRecord } from '../../auth/api-key-record.js'
import { keyOf } from '../../key.js'

/** Where the record of an API key is. A hash: `record` in JSON; `disabledAt` and `endsAt`, which no `put` takes back. */
export function recordKey(prefix: string, digest: string): string {
  return `${prefix}api-key:{${keyOf('api-key', digest)}}`
}

/** Where the digest of the key with that id is: what is given back is known by its id. */
export function idKey(prefix: string, keyId: string): string {
  return `${prefix}api-key-id:{${keyOf('api-key-id', keyId)}}`
}

/** How long a record outlives its key, in milliseconds: the owner of an ended key is told that it ended. */
export const AFTERLIFE = 86_400_000

/** When a record is forgotten, in milliseconds since the Unix epoch; undefined: never. */
export function forgottenAt({ expiresAt }: ApiKeyRecord): number | undefined {
  if (expiresAt === undefined) return undefined
  return Math.max(1, Math.min(Math.ceil(expiresAt) + AFTERLIFE, LATEST_DATE))
}

const LATEST_DATE = 8_640_000_000_000_000

/** What `put` does, as commands for `redis-cli`: for a key that is new, and so an id that is free. */
export function putCommands(prefix: string, record: ApiKeyRecord): readonly string[] {
  const [byId, byDigest] = [idKey(prefix, record.keyId), recordKey(prefix, record.digest)]
  const end = forgottenAt(record)
  return [
    // The id first: whatever happens in between, there is no key that can't be revoked.
    `SET ${byId} ${record.digest}`,
    ...(end === undefined ? [] : [`PEXPIREAT ${byId} ${end}`]),
    // A text in JSON is one in quotes of redis-cli: the record has no character that JSON would write as \u.
    `HSET ${byDigest} record ${JSON.stringify(JSON.stringify(record))}`,
    ...(end === undefined ? [] : [`PEXPIREAT ${byDigest} ${end}`]),
  ]
}
