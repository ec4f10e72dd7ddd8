import { timingSafeEqual } from 'node:crypto'
import { type ApiKeyRecord, checkShape, isFrozenRecord } from './api-key-record.js'
import { createIdentity } from './identity.js'
import { type Accepted, accepted, rejected, type Verdict } from './scheme.js'

/** Decides about the key with that digest, by the record that was found for it. */
export type DecideKey = (digest: string, record: ApiKeyRecord | undefined, now: number) => Verdict

/** Makes what decides about keys. The caller that a record names is worked out once for each record that stays. */
export function keyVerdicts(): DecideKey {
  const callers = new WeakMap<ApiKeyRecord, Accepted>()
  return (digest, record, now) => {
    const known = record === undefined ? undefined : callers.get(record)
    // A fault of the lookup must neither let anyone in nor count as a bad key.
    if (record !== undefined && known === undefined) checkShape('apiKey: lookup()', record)
    const same = isSame(digest, record?.digest ?? NO_DIGEST)
    if (record === undefined || !same) return rejected('unknown-key')

    const { notBefore, expiresAt, disabledAt } = record
    if (disabledAt !== undefined) return rejected('revoked', GENUINE)
    if (expiresAt !== undefined && now >= expiresAt) return rejected('expired', GENUINE)
    if (notBefore !== undefined && now < notBefore) return rejected('not-yet-valid', GENUINE)
    if (known !== undefined) return known
    const verdict = accepted(callerOf(record))
    // Of a record that may be changed later nothing is kept.
    if (isFrozenRecord(record)) callers.set(record, verdict)
    return verdict
  }
}

/** Stands in for an unknown key's record: comparing takes the same work. No key has it. */
const NO_DIGEST = '0'.repeat(64)
const GENUINE = { genuine: true } as const

/** Both have 64 characters of ASCII. */
function isSame(digest: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(digest, 'latin1'), Buffer.from(other, 'latin1'))
}

function callerOf(record: ApiKeyRecord) {
  const { keyId: credentialId, subject, tenant, scopes = [], roles = [], tier, issuedAt, expiresAt } = record
  const caller = { scheme: 'api-key', subject, tenant, scopes, roles, tier }
  return createIdentity({ ...caller, credentialId, issuedAt, expiresAt })
}
