import {
  authenticate,
  exchangeOf,
  gate,
  type GateOptions,
  httpSignature,
  memoryReplayStore,
  type ReplayStore,
  type ReportedEvent,
  webhookSignature,
} from '@headgate/core'
import { ManualClock, signRequest } from '@headgate/core/testing'
import { graphql } from '@headgate/graphql-adapter'
import { operation, rest } from '@headgate/rest-adapter'
import { afterEach, describe, expect, test } from '@jest/globals'
import { Router } from '@koa/router'
import { buildSchema } from 'graphql'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { z } from 'zod'
import { rawRequest } from '../http.js'
import { closeApps, startApp } from '../koa.js'

afterEach(closeApps)

const START = 1_700_000_000
const PAIR = generateKeyPairSync('ed25519')
const SECRET = Buffer.alloc(32, 3)
/** Where clients believe to be: a proxy ends TLS. */
const ORIGIN = 'https://api.example'

interface Gateway {
  readonly port: number
  readonly clock: ManualClock
  readonly events: ReportedEvent[]
  /** What the handlers were told to do, and by whom. */
  readonly done: string[]
}

/** A gateway of both protocols behind a proxy on this machine. */
async function open(
  replay: ReplayStore,
  options: GateOptions = TRUSTING,
  origin = 'request',
): Promise<Gateway> {
  const clock = new ManualClock(START * 1_000)
  const events: ReportedEvent[] = []
  const done: string[] = []
  const policy = authenticate([
    httpSignature({
      lookup: (keyid) =>
        keyid === 'k1' ? { algorithm: 'ed25519', key: PAIR.publicKey, subject: 'billing' } : undefined,
      origin,
      replay,
      clock,
    }),
    webhookSignature({
      lookup: ({ path }) =>
        path === '/payments'
          ? { secrets: [`whsec_${SECRET.toString('base64')}`], subject: 'hooks' }
          : undefined,
      replay,
      clock,
    }),
  ])
  const router = new Router()
  router.post('/payments', operation({ body: z.object({ amount: z.number() }) }), (ctx) => {
    done.push(`${ctx.request.body.amount} by ${exchangeOf(ctx)?.identity?.subject}`)
    ctx.status = 201
  })
  const schema = buildSchema('type Query { a: Int } type Mutation { pay(amount: Int!): Boolean }')
  const rootValue = {
    pay({ amount }: { amount: number }, { identity }: { identity: { subject: string } | undefined }) {
      done.push(`${amount} by ${identity?.subject}`)
      return true
    },
  }
  const middleware = gate([policy], {
    ...options,
    channels: [graphql({ schema, rootValue, path: '/graphql' }), rest(router)],
    onEvent: (event) => void events.push(event),
  })
  return { port: (await startApp(middleware)).port, clock, events, done }
}

const TRUSTING: GateOptions = { trustedProxies: { networks: ['127.0.0.0/8'] } }

interface Ask {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** What the proxy writes before it. */
  readonly front?: string
}

const PROTOCOLS: readonly {
  readonly name: string
  readonly path: string
  readonly body: (amount: number) => string
}[] = [
  { name: 'REST', path: '/payments', body: (amount) => JSON.stringify({ amount }) },
  {
    name: 'GraphQL',
    path: '/graphql',
    body: (amount) => JSON.stringify({ query: `mutation { pay(amount: ${amount}) }` }),
  },
]

/** A request as a client signs it for the address it knows. */
function signed(path: string, body: string, created = START, origin = ORIGIN): Ask {
  const headers = { 'content-type': 'application/json', 'idempotency-key': '"key-1"' }
  const fields = signRequest({
    method: 'POST',
    url: `${origin}${path}`,
    headers,
    body,
    keyid: 'k1',
    algorithm: 'ed25519',
    key: PAIR.privateKey,
    created,
  })
  return { method: 'POST', path, headers: { ...headers, ...fields }, body }
}

/** Sends it as the proxy does, and gives the answer’s status. */
async function send({ port }: Gateway, request: Ask): Promise<number> {
  const { method, path, headers, body, front = FORWARDED } = request
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Connection: close',
    front,
    ...lines,
    `Content-Length: ${body.length}`,
  ]
  const answer = await rawRequest(port, `${head.join('\r\n')}\r\n\r\n${body}`)
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
}

const FORWARDED = 'Host: inside\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: api.example'

describe.each(PROTOCOLS)('a signed request over $name', ({ path, body }) => {
  test('runs, once, with its content', async () => {
    const gateway = await open(memoryReplayStore())
    const request = signed(path, body(5))
    expect(await send(gateway, request)).toBeLessThan(300)
    expect(await send(gateway, request)).toBe(401)
    expect(gateway.done).toEqual(['5 by billing'])
    expect(gateway.events.at(-1)).toMatchObject({ type: 'auth.refused', reason: 'replayed' })
  })

  test('is used up for every process that shares the store', async () => {
    const store = memoryReplayStore()
    const [one, other] = [await open(store), await open(store)]
    const request = signed(path, body(5))
    expect(await send(one, request)).toBeLessThan(300)
    expect(await send(other, request)).toBe(401)
    expect(other.done).toEqual([])
  })

  test.each<[string, (request: Ask) => Ask]>([
    ['other content', (request) => ({ ...request, body: body(9) })],
    ['another method', (request) => ({ ...request, method: 'PUT' })],
    ['a query', (request) => ({ ...request, path: `${path}?x=1` })],
    ['another path', (request) => ({ ...request, path: path === '/graphql' ? '/payments' : '/graphql' })],
    ['another spelling of the path', (request) => ({ ...request, path: `${path}/` })],
    ['another host', (request) => ({ ...request, front: FORWARDED.replace('api.example', 'other.example') })],
    ['another scheme', (request) => ({ ...request, front: FORWARDED.replace('https', 'http') })],
    ['another idempotency key', (request) => withField(request, 'idempotency-key', '"key-2"')],
    ['no idempotency key', (request) => withField(request, 'idempotency-key')],
    ['another digest', (request) => withField(request, 'content-digest', 'sha-256=:AAAA:')],
    ['no digest', (request) => withField(request, 'content-digest')],
    [
      'a field of the signature twice',
      (request) => ({ ...request, front: `${FORWARDED}\r\nSignature: sig=:AAAA:` }),
    ],
    [
      'a second description',
      (request) => ({ ...request, front: `${FORWARDED}\r\nSignature-Input: sig=();created=1;keyid="k1"` }),
    ],
    ['half of the signature', (request) => withField(request, 'signature')],
    ['the other half', (request) => withField(request, 'signature-input')],
  ])('with %s is refused, and nothing is done', async (_title, change) => {
    const gateway = await open(memoryReplayStore())
    const request = signed(path, body(5))
    expect(await send(gateway, change(request))).toBe(401)
    expect(gateway.done).toEqual([])
    // Who tampers with a request does not use it up.
    expect(await send(gateway, request)).toBeLessThan(300)
  })

  test('beside another credential is ambiguous', async () => {
    const gateway = await open(memoryReplayStore())
    for (const extra of ['Authorization: Bearer x', 'webhook-id: msg_1']) {
      expect(await send(gateway, { ...signed(path, body(5)), front: `${FORWARDED}\r\n${extra}` })).toBe(400)
    }
  })

  test('has the address that was really asked, not one that a client names', async () => {
    const gateway = await open(memoryReplayStore(), {})
    expect(await send(gateway, signed(path, body(5)))).toBe(401)
    const direct = signed(path, body(5), START, `http://localhost:${gateway.port}`)
    expect(await send(gateway, { ...direct, front: `Host: localhost:${gateway.port}` })).toBeLessThan(300)
  })

  test('for another service is no good here, though it names that one in Host', async () => {
    const gateway = await open(memoryReplayStore(), {}, ORIGIN)
    const foreign = signed(path, body(5), START, 'http://other.example')
    expect(await send(gateway, { ...foreign, front: 'Host: other.example' })).toBe(401)
    expect(gateway.done).toEqual([])
    expect(await send(gateway, { ...signed(path, body(5)), front: 'Host: inside' })).toBeLessThan(300)
  })

  test('is in time, or not', async () => {
    const gateway = await open(memoryReplayStore())
    expect(await send(gateway, signed(path, body(5), START + 31))).toBe(401)
    expect(await send(gateway, signed(path, body(5), START - 90))).toBe(401)
    expect(await send(gateway, signed(path, body(5), START - 89))).toBeLessThan(300)
  })

  test('tells nothing of its signature to anybody', async () => {
    const gateway = await open(memoryReplayStore())
    const request = signed(path, body(5))
    await send(gateway, { ...request, body: body(9) })
    await send(gateway, request)
    const bytes = /:(.*):/.exec(request.headers['signature'] ?? '')?.[1] ?? 'none'
    expect(gateway.events.length).toBeGreaterThan(1)
    expect(JSON.stringify(gateway.events)).not.toContain(bytes.slice(0, 16))
  })
})

test('content that is announced too long is refused before it is sent, and only to a good signature', async () => {
  const gateway = await open(memoryReplayStore())
  const { headers } = signed('/payments', '{"amount":5}')
  const announce = async (fields: Readonly<Record<string, string>>): Promise<string> => {
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
    const head = [
      'POST /payments HTTP/1.1',
      'Connection: close',
      FORWARDED,
      ...lines,
      'Content-Length: 5000000000',
    ]
    return rawRequest(gateway.port, `${head.join('\r\n')}\r\n\r\n`)
  }
  const answer = await announce(headers)
  expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  expect(answer).toContain('"code":"body-too-large"')
  expect(await announce({ ...headers, signature: 'sig=:AAAA:' })).toMatch(/^HTTP\/1\.1 401 /)
})

describe('a webhook', () => {
  test('is delivered once, and again when its sender tries again', async () => {
    const gateway = await open(memoryReplayStore())
    const first = deliver('msg_1', START, '{"amount":5}')
    expect(await send(gateway, first)).toBe(201)
    expect(await send(gateway, first)).toBe(401)
    expect(await send(gateway, deliver('msg_1', START + 5, '{"amount":5}'))).toBe(201)
    expect(gateway.done).toEqual(['5 by hooks', '5 by hooks'])
    const ids = gateway.events.filter(({ type }) => type === 'auth.accepted')
    expect(ids).toMatchObject([{ credentialId: 'msg_1' }, { credentialId: 'msg_1' }])
  })

  test('with other content, or at an address of nobody, is refused', async () => {
    const gateway = await open(memoryReplayStore())
    const delivery = deliver('msg_1', START, '{"amount":5}')
    expect(await send(gateway, { ...delivery, body: '{"amount":9}' })).toBe(401)
    expect(await send(gateway, { ...delivery, path: '/other' })).toBe(401)
    expect(gateway.done).toEqual([])
  })
})

function withField(request: Ask, name: string, value?: string): Ask {
  const { [name]: _old, ...headers } = request.headers
  return { ...request, headers: value === undefined ? headers : { ...headers, [name]: value } }
}

/** A delivery of Standard Webhooks. */
function deliver(id: string, sentAt: number, body: string): Ask {
  const mac = createHmac('sha256', SECRET).update(`${id}.${sentAt}.${body}`).digest('base64')
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(sentAt),
    'webhook-signature': `v1,${mac}`,
  }
  return { method: 'POST', path: '/payments', headers, body }
}
