import { createHmac, createSecretKey } from 'node:crypto'
import type { RateLimitCharge } from './store.js'

/** Names the budget of each charge, as the fields write it. */
export type PartitionKeys = (charges: readonly RateLimitCharge[]) => readonly string[]

/** In bytes: as long as the digest. */
const LEAST_SECRET = 32
/** In bytes: 96 bits keep the budgets of a billion callers apart, in 16 characters. */
const LENGTH = 12

/**
 * Makes the naming of budgets: a keyed digest. A digest without a key would be found by trying all addresses.
 *
 * @throws TypeError when the secret is none.
 */
export function partitionKeys(option: string, secret: unknown): PartitionKeys {
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) {
    throw new TypeError(`${option} must be a string or bytes`)
  }
  const bytes = Buffer.from(secret)
  if (bytes.byteLength < LEAST_SECRET) {
    throw new TypeError(`${option} must have at least ${LEAST_SECRET} bytes`)
  }
  const hmacKey = createSecretKey(bytes)
  const nameOf = (key: string): string =>
    createHmac('sha256', hmacKey).update(key).digest().subarray(0, LENGTH).toString('base64')

  return (charges) => {
    let last: string | undefined
    let name = ''
    return charges.map(({ key }) => {
      if (key !== last) name = nameOf(key)
      last = key
      return name
    })
  }
}
