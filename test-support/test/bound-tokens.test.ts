import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import {
  type DpopNonceOptions,
  memoryReplayStore,
  type ReplayStore,
  type ReportedEvent,
} from '@headgate/core'
import { ManualClock } from '@headgate/core/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { type Client, createClient, prove } from '../../packages/core/test/auth/dpop/proofs.js'
import {
  AUDIENCE,
  createSigner,
  ISSUER,
  sign,
  type Signer,
  START,
} from '../../packages/core/test/auth/jwt/tokens.js'
import { codeOf, type Got, pipeline, send, type Sent } from '../attacks/wire.js'
import { boundGateway, ORIGIN } from '../dpop/gateway.mjs'
import { closeApps, startApp } from '../koa.js'
import { poll } from '../redis/poll.mjs'
import { describeRedis, useRedis } from '../redis/use-redis.js'

let signer: Signer
let client: Client
let token: string
beforeAll(async () => {
  signer = await createSigner()
  client = await createClient()
  token = await sign(signer, { cnf: client.cnf })
})
afterEach(closeApps)

const PROTOCOLS = [
  { name: 'REST', path: '/payments/7', body: '{}', done: 201, others: ['/payments/8', '/graphql'] },
  {
    name: 'GraphQL',
    path: '/graphql',
    body: JSON.stringify({ query: 'mutation { pay }' }),
    done: 200,
    others: ['/graphql/', '/payments/7'],
  },
] as const

type Protocol = (typeof PROTOCOLS)[number]

/** A request with a bound token and proofs as they are given. */
function paying({ path, body }: Protocol, proofs: readonly string[], change: Partial<Sent> = {}): Sent {
  return {
    method: 'POST',
    target: path,
    body,
    ...change,
    fields: [
      ['Content-Type', 'application/json'],
      ['Authorization', `DPoP ${token}`],
      ...proofs.map((proof) => ['DPoP', proof] as const),
      ...(change.fields ?? []),
    ],
  }
}

function proofFor({ path }: Protocol, claims: Record<string, unknown> = {}): Promise<string> {
  return prove(client, token, { htm: 'POST', htu: `${ORIGIN}${path}`, ...claims })
}

function challengeOf({ fields }: Got): string | undefined {
  return /^DPoP .*$/m.exec(fields['www-authenticate'] ?? '')?.[0]
}

const ASKED = 'DPoP realm="api", algs="ES256 EdDSA"'

async function open(given: { replay?: ReplayStore; nonce?: DpopNonceOptions } = {}) {
  const clock = new ManualClock(START)
  const events: ReportedEvent[] = []
  const { middleware, done } = boundGateway({
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: [signer.jwk],
    replay: memoryReplayStore({ clock }),
    clock,
    onEvent: (event) => void events.push(event),
    ...given,
  })
  return { port: (await startApp(middleware)).port, clock, events, done }
}

describe.each(PROTOCOLS)('over $name', (protocol) => {
  test('a bound token with its proof is taken, and what was captured of the request is good for nothing', async () => {
    const { port, done, events } = await open()
    const request = paying(protocol, [await proofFor(protocol)])
    expect((await send(port, request)).status).toBe(protocol.done)
    const again = await send(port, request)
    expect(again.status).toBe(401)
    expect(codeOf(again)).toBe('credentials-invalid')
    expect(challengeOf(again)).toBe(
      `${ASKED}, error="invalid_dpop_proof", error_description="proof was used before"`,
    )
    expect(done).toEqual([`${protocol.name} by ann`])
    expect(events.at(-1)).toMatchObject({ type: 'auth.refused', reason: 'replayed', scheme: 'dpop' })
  })

  test('the same proof with another method or another URL is refused, though it was never used', async () => {
    const { port, done, events } = await open()
    const proof = await proofFor(protocol)
    expect((await send(port, paying(protocol, [proof], { method: 'PUT' }))).status).toBe(401)
    for (const target of protocol.others) {
      expect((await send(port, paying(protocol, [proof], { target }))).status).toBe(401)
    }
    expect(done).toEqual([])
    expect(events.map((event) => ('at' in event ? event.at : undefined))).toEqual([
      'DPoP.htm',
      'DPoP.htu',
      'DPoP.htu',
    ])
    // It was good all the time.
    expect((await send(port, paying(protocol, [proof]))).status).toBe(protocol.done)
  })

  test('what a request says of its own address plays no part', async () => {
    const { port, done } = await open()
    const elsewhere = await proofFor(protocol, { htu: `https://evil.example${protocol.path}` })
    const lies = [
      ['Host', 'evil.example'],
      ['X-Forwarded-Host', 'evil.example'],
      ['X-Forwarded-Proto', 'https'],
    ] as const
    expect((await send(port, paying(protocol, [elsewhere], { fields: lies }))).status).toBe(401)
    expect(done).toEqual([])
    const here = await proofFor(protocol)
    expect((await send(port, paying(protocol, [here], { fields: lies }))).status).toBe(protocol.done)
  })

  test('of ten of the same request in one write one is done', async () => {
    const { port, done } = await open()
    const request = paying(protocol, [await proofFor(protocol)])
    const answers = await pipeline(
      port,
      Array.from({ length: 10 }, () => request),
    )
    expect(answers.filter(({ status }) => status === protocol.done)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(9)
    expect(done).toHaveLength(1)
  })

  test('a stolen token is refused: as a plain one, without a proof, with two, with one of the thief', async () => {
    const { port, done } = await open()
    const thief = await createClient()
    const claims = { htm: 'POST', htu: `${ORIGIN}${protocol.path}` }
    const plain = paying(protocol, [])
    const fields = (plain.fields ?? []).map(
      ([name, value]) => [name, value.replace(/^DPoP /, 'Bearer ')] as const,
    )
    const answers = [
      await send(port, { ...plain, fields }),
      await send(port, plain),
      await send(port, paying(protocol, [await proofFor(protocol), await proofFor(protocol)])),
      await send(port, paying(protocol, [await prove(thief, token, claims)])),
    ]
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401])
    expect(answers.map(challengeOf)).toEqual([
      ASKED,
      `${ASKED}, error="invalid_dpop_proof"`,
      `${ASKED}, error="invalid_dpop_proof"`,
      `${ASKED}, error="invalid_token"`,
    ])
    expect(done).toEqual([])
  })

  test('a client that is asked for a nonce sends it, and is told the next before it ends', async () => {
    const { port, clock, done } = await open({ nonce: { secrets: ['n'.repeat(32)], lifetime: '1m' } })
    const asked = await send(port, paying(protocol, [await proofFor(protocol)]))
    expect(asked.status).toBe(401)
    expect(challengeOf(asked)).toContain('error="use_dpop_nonce"')
    expect(asked.fields['cache-control']).toBe('no-store')
    const nonce = asked.fields['dpop-nonce']
    expect(nonce).toMatch(/^[\w-]{22}$/)
    const first = await send(port, paying(protocol, [await proofFor(protocol, { nonce })]))
    expect(first.status).toBe(protocol.done)
    expect(first.fields['dpop-nonce']).toBeUndefined()
    await clock.advance(60_000)
    const second = await send(port, paying(protocol, [await proofFor(protocol, { nonce })]))
    expect(second.status).toBe(protocol.done)
    expect(second.fields['dpop-nonce']).toMatch(/^[\w-]{22}$/)
    expect(second.fields['dpop-nonce']).not.toBe(nonce)
    expect(done).toHaveLength(2)
  })

  test('while the store of used proofs is away nothing is done', async () => {
    const replay = { remember: () => Promise.reject(new Error('away')) }
    const { port, done } = await open({ replay })
    const answer = await send(port, paying(protocol, [await proofFor(protocol)]))
    expect(answer.status).toBe(503)
    expect(codeOf(answer)).toBe('auth-unavailable')
    expect(Number(answer.fields['retry-after'])).toBeGreaterThan(0)
    expect(done).toEqual([])
  })
})

describeRedis('over several processes on one Redis', () => {
  const redis = useRedis()
  const running: ChildProcess[] = []
  afterAll(() => {
    for (const one of running) one.kill('SIGKILL')
  })

  /** A process by itself; its port. */
  const start = async (): Promise<number> => {
    const plan = { redis: redis().port, issuer: ISSUER, audience: AUDIENCE, keys: [signer.jwk] }
    const child = fork(join(import.meta.dirname, '../dpop/process.mjs'), [JSON.stringify(plan)], {
      execArgv: [],
    })
    running.push(child)
    const [port] = (await once(child, 'message')) as [number]
    return port
  }

  test.each(PROTOCOLS)(
    'what one process took no other takes, over $name, not even a new one; without Redis none takes anything',
    async (protocol) => {
      const now = Math.floor(Date.now() / 1_000)
      const times = { iat: now, nbf: now, exp: now + 600 }
      token = await sign(signer, { cnf: client.cnf, ...times })
      const ports = [await start(), await start()] as const
      const request = paying(protocol, [await proofFor(protocol, { iat: now })])
      const all = await Promise.all(
        Array.from({ length: 10 }, (_, index) => send(ports[index % 2] ?? 0, request)),
      )
      expect(all.filter(({ status }) => status === protocol.done)).toHaveLength(1)
      expect(all.filter(({ status }) => status === 401)).toHaveLength(9)
      for (const port of [...ports, await start()]) {
        expect(challengeOf(await send(port, request))).toContain('proof was used before')
      }

      await redis().kill()
      const fresh = paying(protocol, [await proofFor(protocol, { iat: now })])
      for (const port of ports) expect((await send(port, fresh)).status).toBe(503)
      await redis().restart()
      await poll('the store', async () => {
        const retry = paying(protocol, [await proofFor(protocol, { iat: now })])
        return (await send(ports[0], retry)).status === protocol.done
      })
    },
    60_000,
  )
})
