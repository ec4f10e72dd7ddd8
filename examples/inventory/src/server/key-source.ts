import { apiKeyDigest, type ApiKeyLookup, createApiKey, memoryApiKeys } from '@headgate/core'

/** The one caller of an example that takes API keys. */
export interface KeySource {
  readonly apiKeys: ApiKeyLookup
  /** A key that is good until the process ends. Undefined where the environment has a key's digest. */
  readonly key: string | undefined
}

/**
 * Reads API_KEY_DIGEST: the SHA-256 of the one key that is accepted, in hexadecimal. In development a key is made.
 *
 * @throws Error when it is missing in production.
 */
export function readKeySource(environment: NodeJS.ProcessEnv, scopes: readonly string[]): KeySource {
  const { NODE_ENV, API_KEY_DIGEST } = environment
  if (NODE_ENV === 'production' && !API_KEY_DIGEST)
    throw new Error('In production API_KEY_DIGEST must be set')
  const key = API_KEY_DIGEST ? undefined : createApiKey('demo').key
  const digest = key === undefined ? (API_KEY_DIGEST ?? '') : apiKeyDigest(key)
  return { apiKeys: memoryApiKeys([{ digest, keyId: 'first', subject: 'first', scopes }]), key }
}
