import { compactVerify, errors } from 'jose'
import { LRUCache } from 'lru-cache'
import { importKey, type KeyRecord, readKey } from '../jwt/key-record.js'
import { type Rejected } from '../scheme.js'
import { badProof, type Proof } from './proof.js'

/** Verifies the signatures of proofs. */
export type VerifyProof = (proof: Proof) => Promise<Rejected | undefined>

/** Importing a key costs as much as verifying with it. Losing one costs time only. */
const MOST_KEYS = 5_000

/**
 * Prepares the verification. Ask only about a proof whose key a good token is bound to: then nobody who has no token can
 * push out the keys of those who have.
 */
export function proofVerifier(): VerifyProof {
  const keys = new LRUCache<string, KeyRecord>({ max: MOST_KEYS })

  return async (proof) => {
    const key = await keyOf(proof)
    if (key === undefined) return badProof('malformed', 'jwk')
    return (await isSigned(proof, key)) ? undefined : badProof('bad-signature', '')
  }

  /** By its thumbprint: that of two keys is never the same. */
  async function keyOf({ jwk, algorithm, thumbprint }: Proof): Promise<KeyRecord | undefined> {
    const name = `${algorithm} ${thumbprint}`
    const known = keys.get(name)
    if (known !== undefined) return known
    const usable = readKey(jwk)
    if (typeof usable === 'string') return undefined
    const record = await importKey(usable, algorithm)
    keys.set(name, record)
    return record
  }
}

async function isSigned({ compact, algorithm }: Proof, { key }: KeyRecord): Promise<boolean> {
  try {
    await compactVerify(compact, key, { algorithms: [algorithm] })
    return true
  } catch (error) {
    if (error instanceof errors.JOSEError) return false
    throw error
  }
}
