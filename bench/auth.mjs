// @ts-check
/// <reference types="node" />
/**
 * What a signed access token, and an API key, costs per request, in one run: `npm run bench:auth`. Functions are called, no sockets:
 * what is compared is the decision about a token, not a server.
 *
 * Absolute numbers move by half between minutes on a busy machine. Compare the ratios: contestants take turns.
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import fastifyJwt from '@fastify/jwt'
import { apiKey, authenticate, createApiKey, jwt, memoryApiKeys, revocationList } from '@headgate/core'
import { literalExchange } from '@headgate/core/testing'
import Fastify from 'fastify'
import { exportJWK, SignJWT } from 'jose'
import koaJwt from 'koa-jwt'
import { boundTokens } from './bound-tokens.mjs'
import { compare, MILLISECONDS, ROUNDS } from './turns.mjs'

const ISSUER = 'https://idp.example/'
const AUDIENCE = 'https://api.example'
const TOKENS = 1_000
const NO_COOKIES = { get: () => undefined }

/** @typedef {'RS256' | 'ES256'} Algorithm */
/** @typedef {import('./turns.mjs').Contestant} Contestant */

const lines = [
  '# What a credential costs',
  '',
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB.`,
  `One at a time, ${TOKENS} credentials in turn, each seen before; ${ROUNDS} rounds of ${MILLISECONDS} ms, contestants in turns, medians.`,
  '"x" is against the first line of the table. Headgate checks its whole profile, the others signature, times, issuer and audience.',
  'Headgate verifies with jose, in the thread pool of Node; the others verify on the main thread, where nothing else runs meanwhile.',
  '',
]
for (const algorithm of /** @type {const} */ (['RS256', 'ES256'])) {
  lines.push(...(await compare(algorithm, await signedTokens(algorithm))))
}
lines.push(...(await compare('API keys', apiKeys())))
lines.push(...(await compare('Bound tokens (`dpop`)', await boundTokens(TOKENS))))

const folder = join(import.meta.dirname, 'results')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'auth.md'), `${lines.join('\n').trimEnd()}\n`)
console.log(lines.join('\n'))

/** @param {Algorithm} algorithm */
async function signedTokens(algorithm) {
  const { privateKey, publicKey } =
    algorithm === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2_048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const credentials = await Promise.all(
    Array.from({ length: TOKENS }, (_, index) =>
      new SignJWT({ client_id: 'app', scope: 'items:read items:write', jti: `token-${index}` })
        .setProtectedHeader({ alg: algorithm, typ: 'at+jwt', kid: 'key-1' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(`user-${index}`)
        .setIssuedAt()
        .setExpirationTime('2h')
        .sign(privateKey),
    ),
  )
  return { credentials, contestants: await contestantsFor(algorithm, publicKey) }
}

/**
 * @param {Algorithm} algorithm
 * @param {import('node:crypto').KeyObject} publicKey
 * @returns {Promise<Contestant[]>}
 */
async function contestantsFor(algorithm, publicKey) {
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'key-1', alg: algorithm }] }
  const common = { issuer: ISSUER, audience: AUDIENCE, jwks }
  const [caching, plain] = [jwt(common), jwt({ ...common, cache: 'off' })]
  const asking = jwt({ ...common, isRevoked: longList().isRevoked })
  const policy = authenticate([jwt(common)])
  let sent = ''
  // One exchange for all: what making one costs belongs to the server.
  const exchange = {
    ...literalExchange(),
    lines: (/** @type {string} */ name) => (name === 'authorization' ? [sent] : []),
    report() {},
  }
  const answer = Promise.resolve(
    /** @type {const} */ ({ kind: 'answer', status: 200, headers: {}, body: null }),
  )
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }))
  const verify = { algorithms: [algorithm], allowedIss: ISSUER, allowedAud: AUDIENCE }
  const [fastify, fastifyCaching] = await Promise.all(
    [verify, { ...verify, cache: 10_000 }].map(async (options) => {
      const app = Fastify()
      await app.register(fastifyJwt, { secret: { public: pem }, verify: options })
      await app.ready()
      return app
    }),
  )
  return [
    {
      name: 'Headgate `jwt`, remembered token',
      verify: (token) => caching.verify(token, exchange),
      isGood: isAccepted,
    },
    {
      name: 'the same, asking a revocation list of 100,000',
      verify: (token) => asking.verify(token, exchange),
      isGood: isAccepted,
    },
    {
      name: 'Headgate `authenticate([jwt])`, remembered token, to the answer of the handler',
      verify(token) {
        sent = `Bearer ${token}`
        exchange.identity = undefined
        return policy.handle(exchange, () => answer)
      },
      isGood: (result) => result.status === 200,
    },
    {
      name: 'Headgate `jwt`, verified anew',
      verify: (token) => plain.verify(token, exchange),
      isGood: isAccepted,
    },
    ...[
      { name: 'koa-jwt 4 middleware, key as PEM', secret: pem },
      { name: 'koa-jwt 4 middleware, key as `KeyObject`', secret: /** @type {any} */ (publicKey) },
    ].map(({ name, secret }) => {
      const koa = koaJwt({ secret, algorithms: [algorithm], issuer: ISSUER, audience: AUDIENCE })
      return {
        name,
        verify(/** @type {string} */ token) {
          const header = { authorization: `Bearer ${token}` }
          return koa(/** @type {any} */ ({ header, state: {}, cookies: NO_COOKIES }), next)
        },
        isGood: (/** @type {unknown} */ result) => result === 'passed',
      }
    }),
    {
      name: '@fastify/jwt 10 `jwt.verify`',
      verify: (token) => fastify?.jwt.verify(token),
      isGood: (result) => result.iss === ISSUER,
    },
    {
      name: '@fastify/jwt 10 `jwt.verify`, its cache on',
      verify: (token) => fastifyCaching?.jwt.verify(token),
      isGood: (result) => result.iss === ISSUER,
    },
  ]
}

function apiKeys() {
  const issued = Array.from({ length: TOKENS }, () => createApiKey('hg_live'))
  const scopes = ['items:read', 'items:write']
  const records = issued.map(({ keyId, digest }, index) => {
    return { keyId, digest, subject: `bot-${index}`, scopes, tier: 'gold' }
  })
  const atHand = memoryApiKeys(records)
  const later = async (/** @type {import('@headgate/core').ApiKeyQuery} */ query) => atHand(query)
  const prefix = 'hg_live'
  const [memory, remembered] = [apiKey({ lookup: atHand, prefix }), apiKey({ lookup: later, prefix })]
  const asking = apiKey({ lookup: atHand, prefix, isRevoked: longList().isRevoked })
  const forgetful = apiKey({ lookup: later, prefix, cache: 'off' })
  const policy = authenticate([apiKey({ lookup: atHand, prefix })])
  let sent = ''
  const exchange = {
    ...literalExchange(),
    lines: (/** @type {string} */ name) => (name === 'x-api-key' ? [sent] : []),
    report() {},
  }
  const answer = Promise.resolve(
    /** @type {const} */ ({ kind: 'answer', status: 200, headers: {}, body: null }),
  )
  /** @type {Contestant[]} */
  const contestants = [
    {
      name: 'Headgate `apiKey`, record in memory',
      verify: (key) => memory.verify(key, exchange),
      isGood: isAccepted,
    },
    {
      name: 'the same, asking a revocation list of 100,000',
      verify: (key) => asking.verify(key, exchange),
      isGood: isAccepted,
    },
    {
      name: 'remembered record of a lookup that answers later',
      verify: (key) => remembered.verify(key, exchange),
      isGood: isAccepted,
    },
    {
      name: 'a lookup that answers later, each time (`cache: off`)',
      verify: (key) => forgetful.verify(key, exchange),
      isGood: isAccepted,
    },
    {
      name: 'Headgate `authenticate([apiKey])`, record in memory, to the answer of the handler',
      verify(key) {
        sent = key
        exchange.identity = undefined
        return policy.handle(exchange, () => answer)
      },
      isGood: (result) => result.status === 200,
    },
  ]
  return { contestants, credentials: issued.map(({ key }) => key) }
}

/** @param {any} result */
function isAccepted(result) {
  return result.verdict === 'accepted'
}

function longList() {
  const list = revocationList({ maxEntries: 200_000 })
  for (let index = 0; index < 50_000; index++) {
    list.revoke({ credentialId: `gone-${index}`, issuer: ISSUER })
    list.revoke({ subject: `gone-${index}`, issuer: ISSUER })
  }
  return list
}

function next() {
  return Promise.resolve('passed')
}
