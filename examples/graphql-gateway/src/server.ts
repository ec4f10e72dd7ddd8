import { readAddress, start } from '@headgate-example/inventory'
import { apiKeyDigest, createReadiness, memoryApiKeys, randomId } from '@headgate/core'
import { createApp } from './app.js'

try {
  const address = readAddress(process.env)
  const { NODE_ENV, API_KEY_DIGEST } = process.env
  if (NODE_ENV === 'production' && !API_KEY_DIGEST)
    throw new Error('In production API_KEY_DIGEST must be set')

  // In development a key that is good until the process ends.
  const key = randomId()
  const digest = API_KEY_DIGEST || apiKeyDigest(key)
  const scopes = ['items:read', 'items:write', 'users:read']
  const apiKeys = memoryApiKeys([{ digest, keyId: 'first', subject: 'first', scopes }])

  const readiness = createReadiness()
  const { url } = await start(createApp({ apiKeys, readiness }), { ...address, readiness })
  console.log(`Listening on ${url}/graphql`)
  if (!API_KEY_DIGEST) console.log(`X-API-Key: ${key}`)
} catch (error) {
  console.error(`The gateway did not start: ${(error as Error).message}`)
  process.exitCode = 1
}
