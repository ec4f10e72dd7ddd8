import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, describe, expect, test } from '@jest/globals'
import type { FetchInit, FetchKeys } from '../../../src/auth/jwt/fetch-jwks.js'
import {
  type KeySetEvent,
  type RemoteJwks,
  remoteJwks,
  type RemoteJwksOptions,
} from '../../../src/auth/jwt/remote-jwks.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { createSigner, pass, resultOf, sign, type Signer, START, verifier } from './tokens.js'

const URL_OF_KEYS = 'https://idp.example/keys'

let signer: Signer
let strong: Signer
beforeAll(async () => {
  signer = await createSigner('ES256', 'key-1')
  strong = await createSigner('RS256', 'rsa')
})

describe('a good document', () => {
  test('is asked for plainly, without redirects, and verifies tokens', async () => {
    const requests: [string, FetchInit][] = []
    const { jwks, clock } = keep(async (url, init) => {
      requests.push([url, init])
      return Response.json({ keys: [signer.jwk, strong.jwk] })
    })
    const scheme = verifier([], { jwks, clock })
    expect(await resultOf(scheme, await sign(signer))).toBe('accepted')
    expect(await resultOf(scheme, await sign(strong))).toBe('accepted')
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject([URL_OF_KEYS, { redirect: 'error' }])
    jwks.close()
  })

  test('works but for the keys that can not be used, and each of them is told', async () => {
    const weak = await weakRsaKey()
    const keys: readonly object[] = [
      { kty: 'oct', kid: 'shared', k: 'c2VjcmV0' },
      { ...signer.jwk, kid: 'private', d: 'AA' },
      { ...signer.jwk, kid: 'enc', use: 'enc' },
      { ...signer.jwk, kid: 'ops', key_ops: ['sign'] },
      { ...signer.jwk, kid: 'crv', crv: 'secp256k1' },
      { ...signer.jwk, kid: 'alg', alg: 'RS256' },
      { ...signer.jwk, kid: 'point', x: 'AAAA' },
      { ...signer.jwk, kid: 7 },
      { ...strong.jwk, kid: 'exponent', e: 'AQ' },
      weak,
      null as never,
      signer.jwk,
      { ...strong.jwk, kid: 'rsa' },
      { ...signer.jwk, kid: 'key-1' },
    ]
    const { jwks, events, clock } = keep(async () => Response.json({ keys }))
    const scheme = verifier([], { jwks, clock })
    expect(await resultOf(scheme, await sign(signer))).toBe('accepted')
    expect(await resultOf(scheme, await sign(signer, {}, { kid: 'enc' }))).toBe('unknown-key')
    const skipped = events
      .filter(({ type }) => type === 'keys.skipped')
      .map((event) => Object.values(event).slice(1))
      .slice(0, 12)
    expect(skipped).toEqual([
      ['shared', 'private'],
      ['private', 'private'],
      ['enc', 'not-for-signatures'],
      ['ops', 'not-for-signatures'],
      ['crv', 'unsupported'],
      ['alg', 'unsupported'],
      ['point', 'malformed'],
      [undefined, 'malformed'],
      ['exponent', 'too-weak'],
      ['weak', 'too-weak'],
      [undefined, 'malformed'],
      ['key-1', 'duplicate'],
    ])
    jwks.close()
  })
})

describe('a document that is no good', () => {
  const bad: Readonly<Record<string, () => Response>> = {
    html: () => new Response('<html></html>'),
    'another shape': () => Response.json([]),
    'keys of another shape': () => Response.json({ keys: {} }),
    'no key': () => Response.json({ keys: [] }),
    'no usable key': () => Response.json({ keys: [{ kty: 'oct', k: 'AA' }] }),
    'too many keys': () => Response.json({ keys: Array.from({ length: 101 }, () => signer.jwk) }),
    'too many bytes': () => Response.json({ keys: [signer.jwk], padding: 'x'.repeat(300_000) }),
    'no body': () => new Response(null),
    'status 203': () => Response.json({ keys: [signer.jwk] }, { status: 203 }),
    'status 500': () => Response.json({ keys: [] }, { status: 500 }),
  }

  for (const [title, response] of Object.entries(bad)) {
    test(`never replaces a good set: ${title}`, async () => {
      let good = true
      const { jwks, clock } = keep(async () => (good ? Response.json({ keys: [signer.jwk] }) : response()))
      const scheme = verifier([], { jwks, clock, cache: 'off' })
      const token = await sign(signer, { exp: 9e9 })
      expect(await resultOf(scheme, token)).toBe('accepted')
      good = false
      await pass(clock, 600_000)
      expect(jwks.status().lastFailure).toBeDefined()
      expect(await resultOf(scheme, token)).toBe('accepted')
      expect(await resultOf(scheme, await sign(signer, { exp: 9e9 }, { kid: 'new' }))).toBe('undecided')
      jwks.close()
    })
  }

  test('is read no further than the limit', async () => {
    let sent = 0
    const endless = (): ReadableStream =>
      new ReadableStream({
        pull(controller) {
          sent += 16_384
          controller.enqueue(new Uint8Array(16_384))
        },
      })
    const { jwks } = keep(async () => new Response(endless()))
    await settled(jwks)
    expect(jwks.status().lastFailure).toBe('too-large')
    expect(sent).toBeLessThan(262_144 + 5 * 16_384)
    jwks.close()
  })
})

describe('an endpoint that fails', () => {
  test('by hanging, is left at the deadline and told so', async () => {
    let aborted = false
    const { jwks, clock, events } = keep(
      (_url, { signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => (aborted = true))
        }),
    )
    await clock.advance(2_000)
    expect(aborted).toBe(true)
    expect(jwks.status()).toMatchObject({ state: 'away', lastFailure: 'deadline' })
    expect(events).toMatchObject([{ type: 'keys.failed', failure: 'deadline' }])
    jwks.close()
  })

  test('by rejecting, makes tokens undecided and not bad', async () => {
    const { jwks, clock } = keep(() => Promise.reject(new Error('refused')))
    const scheme = verifier([], { jwks, clock })
    expect(await resultOf(scheme, await sign(signer))).toBe('undecided')
    expect(jwks.status().lastFailure).toBe('network')
    jwks.close()
  })

  test('an observer that throws does not end the refreshing', async () => {
    let fetches = 0
    const { jwks, clock } = keep(
      async () => {
        fetches += 1
        return Response.json({ keys: [signer.jwk] })
      },
      {
        onEvent() {
          throw new Error('observer')
        },
      },
    )
    await pass(clock, 1_200_000)
    expect(fetches).toBe(3)
    jwks.close()
  })
})

describe('the URL', () => {
  test('must be https, or http to this machine where that is allowed', () => {
    const fetch = hang
    const clock = new ManualClock()
    const wrong = [
      '',
      'keys',
      'http://idp.example/',
      'file:///etc/keys',
      'data:application/json,{}',
      'https://u:p@idp.example/',
    ]
    for (const url of wrong) {
      expect(() => remoteJwks(url, { fetch, clock })).toThrow(TypeError)
      expect(() => remoteJwks(url, { fetch, clock, allowLoopback: true })).toThrow(TypeError)
    }
    expect(() => remoteJwks('http://127.0.0.1/', { fetch, clock })).toThrow(/https/)
    for (const host of ['127.0.0.1', 'localhost:8080', '[::1]', '127.1']) {
      remoteJwks(`http://${host}/keys`, { fetch, clock, allowLoopback: true }).close()
    }
    for (const host of ['127.0.0.1.example', 'localhost.example', 'notlocalhost', '[::2]', '128.0.0.1']) {
      expect(() => remoteJwks(`http://${host}/`, { fetch, clock, allowLoopback: true })).toThrow(/https/)
    }
  })

  test('is not quoted in an error', () => {
    expect(() => remoteJwks('http://idp.example/?token=S3CRET')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('S3CRET') }),
    )
  })
})

test('options are checked by name', () => {
  const wrong = {
    maxAge: 0,
    maxStale: '1',
    cooldown: -1,
    deadline: 'soon',
    maxBytes: 0.5,
    fetch: 1,
    onEvent: 1,
    ttl: 1,
  }
  for (const [name, value] of Object.entries(wrong)) {
    expect(() => remoteJwks(URL_OF_KEYS, { [name]: value })).toThrow(new RegExp(name))
  }
})

describe('over a real socket', () => {
  test('fetches, follows no redirect and survives an outage', async () => {
    let answer: RequestListener = publish
    const server = createServer((request: IncomingMessage, response: ServerResponse) =>
      answer(request, response),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const clock = new ManualClock(START)
    const jwks = remoteJwks(`http://127.0.0.1:${port}/keys`, { allowLoopback: true, clock })
    try {
      const scheme = verifier([], { jwks, clock })
      expect(await resultOf(scheme, await sign(signer))).toBe('accepted')
      answer = (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end()
      expect(await resultOf(scheme, await sign(signer, {}, { kid: 'new' }))).toBe('undecided')
      expect(jwks.status()).toMatchObject({ state: 'fresh', lastFailure: 'network' })
      expect(await resultOf(scheme, await sign(signer))).toBe('accepted')
    } finally {
      jwks.close()
      server.closeAllConnections()
      server.close()
    }
  })
})

interface Kept {
  readonly jwks: RemoteJwks
  readonly clock: ManualClock
  readonly events: KeySetEvent[]
}

function keep(fetch: FetchKeys, options: RemoteJwksOptions = {}): Kept {
  const clock = new ManualClock(START)
  const events: KeySetEvent[] = []
  const jwks = remoteJwks(URL_OF_KEYS, {
    fetch,
    clock,
    onEvent: (event) => void events.push(event),
    ...options,
  })
  return { jwks, clock, events }
}

async function settled(jwks: RemoteJwks): Promise<void> {
  while (jwks.status().lastAttempt === undefined) await new Promise((resolve) => setImmediate(resolve))
}

async function weakRsaKey(): Promise<object> {
  const modulus = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, hash: 'SHA-256' }
  const exponent = { publicExponent: new Uint8Array([1, 0, 1]) }
  const pair = await crypto.subtle.generateKey({ ...modulus, ...exponent }, true, ['sign', 'verify'])
  const { n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  return { kty: 'RSA', kid: 'weak', n, e }
}

function publish(_request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify({ keys: [signer.jwk] }))
}

function hang(): Promise<never> {
  return new Promise(() => {})
}
