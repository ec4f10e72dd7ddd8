import { afterEach, describe, expect, test } from '@jest/globals'
import Koa from 'koa'
import { rawRequest, type Running, serve } from '../../../../test-support/http.js'
import type { TrustedProxies } from '../../src/http/address.js'
import { exchangeOf, gate } from '../../src/koa.js'

const servers: Running[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

/** The origin that a request with these lines is for, behind such proxies; the peer is 127.0.0.1. */
async function originOf(trustedProxies: TrustedProxies | undefined, ...lines: string[]): Promise<string> {
  const app = new Koa()
  app.use(gate([], trustedProxies === undefined ? {} : { trustedProxies }))
  const running = await serve(app.use((ctx) => void (ctx.body = exchangeOf(ctx)?.origin)).callback())
  servers.push(running)
  const head = ['GET / HTTP/1.1', 'Host: inside', 'Connection: close', ...lines, '', ''].join('\r\n')
  return (await rawRequest(running.port, head)).split('\r\n\r\n')[1] ?? ''
}

const networks = ['127.0.0.0/8']
/** What a client writes in the field that its proxy does not write. */
const FORGED = ['X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https']
const FORGED_ELEMENT = 'Forwarded: for=192.0.2.1;host=evil.example;proto=https'

describe('scheme and host', () => {
  test('are those of the request where no proxy is trusted', async () => {
    for (const proxies of [undefined, { networks: ['10.0.0.0/8'] }]) {
      expect(await originOf(proxies, ...FORGED, FORGED_ELEMENT)).toBe('http://inside')
    }
  })

  test('are the trusted proxy’s, from the fields that it writes and no others', async () => {
    const own = ['X-Forwarded-Host: API.example', 'X-Forwarded-Proto: https']
    expect(await originOf({ networks }, ...own, FORGED_ELEMENT)).toBe('https://api.example')
    const element = 'Forwarded: for=192.0.2.1;proto=https;host="API.example:8443"'
    for (const proxies of [{ networks }, { hops: 1 }]) {
      expect(await originOf({ ...proxies, field: 'forwarded' }, ...FORGED, element)).toBe(
        'https://api.example:8443',
      )
    }
  })

  test('are those of the request where the proxy says nothing of them', async () => {
    const element = 'Forwarded: for=192.0.2.1'
    expect(await originOf({ networks, field: 'forwarded' }, ...FORGED, element)).toBe('http://inside')
    expect(await originOf({ networks, field: 'forwarded' }, ...FORGED)).toBe('http://inside')
    expect(await originOf({ networks }, FORGED_ELEMENT)).toBe('http://inside')
  })

  test('are what the nearest proxy wrote, whatever stands to the left of it', async () => {
    const own = ['X-Forwarded-Host: evil.example, api.example', 'X-Forwarded-Proto: ftp,https']
    expect(await originOf({ networks }, ...own)).toBe('https://api.example')
    for (const left of ['for=192.0.2.1;host=evil.example;proto=ftp', 'host="evil.example', '"', 'host=']) {
      const element = `Forwarded: ${left}, for=192.0.2.1;host=api.example;proto=https`
      expect(await originOf({ networks, field: 'forwarded' }, element)).toBe('https://api.example')
    }
  })
})
