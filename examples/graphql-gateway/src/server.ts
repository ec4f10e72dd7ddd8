import { readAddress, readKeySource, start } from '@headgate-example/inventory'
import { createReadiness } from '@headgate/core'
import { createApp } from './app.js'

try {
  const address = readAddress(process.env)
  const { apiKeys, key } = readKeySource(process.env, ['items:read', 'items:write', 'users:read'])
  const readiness = createReadiness()
  const { url } = await start(createApp({ apiKeys, readiness }), { ...address, readiness })
  console.log(`Listening on ${url}`)
  if (key !== undefined) console.log(`X-API-Key: ${key}`)
} catch (error) {
  console.error(`The gateway did not start: ${(error as Error).message}`)
  process.exitCode = 1
}
