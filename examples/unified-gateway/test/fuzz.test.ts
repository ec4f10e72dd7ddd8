import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { CORPUS } from '../../../test-support/fuzz/corpus.js'
import { fuzz } from '../../../test-support/fuzz/fuzz.js'
import { exchangeBytes, faultOf } from '../../../test-support/fuzz/judge.js'
import { type Gateway, openGateway } from './gateway.js'

const { FUZZ_SEED = '1', FUZZ_REQUESTS = '640', FUZZ_SECONDS = '60' } = process.env
const time = Number(FUZZ_SECONDS) * 1_000

/** What Koa prints of a client that breaks off. Anything else is an error of ours. */
const BROKEN_OFF = /Parse Error|ECONNRESET|EPIPE|aborted/

let gateway: Gateway
let printed: jest.SpiedFunction<typeof console.error>
beforeEach(async () => {
  printed = jest.spyOn(console, 'error').mockImplementation(() => undefined)
  gateway = await openGateway()
})
afterEach(async () => {
  await gateway.close()
  printed.mockRestore()
})

function portOf({ url }: Gateway): number {
  return Number(new URL(url).port)
}

test(
  'bears disturbed requests: no failure that is not declared, no open end, no growth',
  async () => {
    const { clock } = gateway
    const report = await fuzz({
      port: portOf(gateway),
      seed: Number(FUZZ_SEED),
      requests: Number(FUZZ_REQUESTS),
      time,
      async token() {
        // Budgets fill up again: else most requests would end at the limiter.
        await clock.advance(30_000)
        return gateway.token('fuzz')
      },
    })
    // The short run says nothing: its seed never changes, and a fault brings its own.
    if (process.env['FUZZ_SEED'] !== undefined) {
      console.log(
        `fuzz: seed ${FUZZ_SEED}, ${report.sent} requests,`,
        report.outcomes,
        `heap ${report.growth ?? '?'}`,
      )
    }
    expect(report.faults).toEqual([])
    expect(printed.mock.calls.map(String).filter((line) => !BROKEN_OFF.test(line))).toEqual([])
    expect(report.sent).toBeGreaterThan(0)
    // The inventory itself keeps what was created: an item is some hundred bytes.
    if (report.growth !== undefined) expect(report.growth / (report.sent / 2)).toBeLessThan(2_048)
    // A good request is still a good one.
    expect((await gateway.send('GET', '/items', { token: await gateway.token('ada') })).status).toBe(200)
  },
  time + 60_000,
)

test.each(CORPUS)('bears what was found once: $what', async ({ request }) => {
  expect(faultOf(await exchangeBytes(portOf(gateway), Buffer.from(request, 'base64')))).toBeUndefined()
})
