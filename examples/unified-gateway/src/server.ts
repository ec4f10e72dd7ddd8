import { createReadiness } from '@headgate/core'
import { developmentIssuer, readAddress, readTokenSource, start } from '@headgate-example/inventory'
import { createApp } from './app.js'
import { firstSteps, printSteps } from './first-steps.js'

try {
  const address = readAddress(process.env)
  const tokens = readTokenSource(process.env)
  const readiness = createReadiness()
  if (tokens === undefined) {
    const issuer = await developmentIssuer({ issuer: 'http://localhost', audience: 'inventory' })
    const app = createApp({ tokens: issuer.tokens, developmentIssuer: issuer, readiness })
    const { url } = await start(app, { ...address, readiness })
    console.log(`Listening on ${url}\n\n${printSteps(firstSteps(url))}`)
  } else {
    const { url } = await start(createApp({ tokens, readiness }), { ...address, readiness })
    console.log(`Listening on ${url}`)
  }
} catch (error) {
  console.error(`The gateway did not start: ${(error as Error).message}`)
  process.exitCode = 1
}
