import { readAddress, readKeySource, start } from '@headgate-example/inventory'
import { createApp } from './after.js'

try {
  const { apiKeys, key } = readKeySource(process.env, [])
  const { url } = await start(createApp(apiKeys), readAddress(process.env))
  console.log(`Listening on ${url}`)
  if (key !== undefined) console.log(`X-API-Key: ${key}`)
} catch (error) {
  console.error(`The service did not start: ${(error as Error).message}`)
  process.exitCode = 1
}
