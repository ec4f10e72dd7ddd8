// @ts-check
/** What every scheme remembers of credentials that nobody sent before. */
import {
  apiKey,
  authenticate,
  createIdentity,
  introspection,
  jwt,
  memoryRateLimitStore,
  remoteJwks,
  revocationList,
} from '@headgate/core'
import { literalExchange, ManualClock } from '@headgate/core/testing'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

const MOST = 500
const ISSUER = 'https://issuer.example/'
const AUDIENCE = 'https://api.example'
const SECRET = Buffer.alloc(32, 's')
const { publicKey } = await generateKeyPair('EdDSA')
const JWKS = { keys: [{ ...(await exportJWK(publicKey)), kid: 'known', alg: 'EdDSA', use: 'sig' }] }

/** @type {Readonly<Record<string, import('./stores.mjs').Kind>>} */
export const CREDENTIAL_KINDS = {
  'API keys that are known'() {
    const scheme = apiKey({ lookup: findLater, cache: { maxEntries: MOST }, clock: new ManualClock() })
    return { touch: (key) => scheme.verify(`key-of-a-caller-${key}`, literalExchange()) }
  },
  'API keys that nobody knows'() {
    const scheme = apiKey({
      lookup: async () => undefined,
      cache: { maxEntries: MOST },
      clock: new ManualClock(),
    })
    return { touch: (key) => scheme.verify(`key-of-nobody-${key}`, literalExchange()) }
  },
  'API keys whose lookup never answers'() {
    const clock = new ManualClock()
    const scheme = apiKey({ lookup: () => new Promise(() => {}), cache: { maxEntries: MOST }, clock })
    return {
      async touch(key) {
        const verdict = scheme.verify(`key-of-silence-${key}`, literalExchange())
        await clock.advance(1_000)
        await verdict
      },
    }
  },
  'tokens that are good'() {
    const clock = new ManualClock()
    const scheme = jwt({
      issuer: ISSUER,
      audience: AUDIENCE,
      secret: SECRET,
      kid: 'optional',
      clock,
      cache: { maxEntries: MOST },
    })
    return { touch: async (key) => scheme.verify(await signed(clock, key), literalExchange()) }
  },
  'tokens by keys that nobody knows'() {
    const clock = new ManualClock()
    const jwks = remoteJwks('https://issuer.example/jwks', {
      clock,
      fetch: async () => new Response(JSON.stringify(JWKS)),
    })
    const scheme = jwt({ issuer: ISSUER, audience: AUDIENCE, jwks, clock })
    return {
      async touch(key) {
        const verdict = scheme.verify(forged(`kid-${key}`), literalExchange())
        await clock.advance(10)
        await verdict
      },
    }
  },
  'opaque tokens'() {
    const scheme = introspection({
      endpoint: 'https://issuer.example/introspect',
      client: { id: 'gate', secret: 'secret-of-the-gate' },
      audience: false,
      clock: new ManualClock(),
      cache: { maxEntries: MOST / 2 },
      fetch: async (_, { body }) =>
        new Response(JSON.stringify({ active: body.length % 4 === 0, sub: body, exp: 4_000_000_000 })),
    })
    return {
      touch: (key) => scheme.verify(`opaque-${key.padStart(8 + (Number(key) % 4), '0')}`, literalExchange()),
    }
  },
  'addresses that fail'() {
    const clock = new ManualClock()
    const store = memoryRateLimitStore({ clock, maxEntries: MOST })
    const policy = authenticate([apiKey({ lookup: () => undefined, clock })], {
      failures: { store, quota: { limit: 2, window: '1h' }, clock },
    })
    return {
      touch: (key) =>
        policy.handle(
          literalExchange({ address: addressOf(key), headers: { 'x-api-key': `key-of-nobody-${key}` } }),
          () => Promise.reject(new Error('nobody gets in')),
        ),
    }
  },
  'revocations that end'() {
    const clock = new ManualClock()
    const { revoke } = revocationList({ clock, maxEntries: 2 * MOST })
    return {
      touch(key) {
        clock.step(clock.now() + 1_000)
        revoke({ credentialId: key, issuer: ISSUER, until: clock.now() + 100_000 })
      },
    }
  },
  identities() {
    return { touch: (key) => createIdentity({ scheme: 'soak', subject: key, scopes: [key] }) }
  },
}

/** Whoever has this key. */
export function recordOf(/** @type {string} */ digest) {
  return { digest, keyId: digest.slice(0, 8), subject: digest }
}

/** An address of its own for each key, in networks of their own. */
export function addressOf(/** @type {string} */ key) {
  const number = Number(key)
  return `2001:db8:${(number >>> 8).toString(16)}:${((number & 255) << 8).toString(16)}::1`
}

function signed(/** @type {ManualClock} */ clock, /** @type {string} */ subject) {
  const now = Math.floor(clock.now() / 1_000)
  return new SignJWT({})
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(subject)
    .setIssuedAt(now)
    .setExpirationTime(now + 300)
    .sign(SECRET)
}

function forged(/** @type {string} */ kid) {
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: kid, exp: 4_000_000_000 }
  return `${encoded({ alg: 'EdDSA', typ: 'at+jwt', kid })}.${encoded(claims)}.${'A'.repeat(86)}`
}

function encoded(/** @type {object} */ value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function findLater(/** @type {{ digest: string }} */ { digest }) {
  return Promise.resolve(recordOf(digest))
}
