import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { authenticate } from '../../../src/auth/authenticate.js'
import type { SignatureAlgorithm } from '../../../src/auth/http-signature/algorithms.js'
import { httpSignature } from '../../../src/auth/http-signature/http-signature.js'
import type { HttpSignatureOptions } from '../../../src/auth/http-signature/options.js'
import type { SignatureKey } from '../../../src/auth/http-signature/signature-key.js'
import type { Remembered, ReplayStore } from '../../../src/auth/replay-store.js'
import type { ExchangeInit } from '../../../src/testing/exchange.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { signRequest, type SignRequestInit } from '../../../src/testing/sign-request.js'
import { asking } from '../chain.js'

/** A key of each algorithm; both halves. */
export const KEYS: Readonly<
  Record<SignatureAlgorithm, { readonly sign: KeyObject; readonly verify: KeyObject }>
> = {
  ed25519: pair(generateKeyPairSync('ed25519')),
  'ecdsa-p256-sha256': pair(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  'ecdsa-p384-sha384': pair(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
  'rsa-pss-sha512': pair(generateKeyPairSync('rsa', { modulusLength: 2048 })),
  'rsa-v1_5-sha256': pair(generateKeyPairSync('rsa', { modulusLength: 2048 })),
  'hmac-sha256': secret(Buffer.alloc(32, 7)),
}

/** The names of all algorithms. */
export const ALGORITHMS = Object.keys(KEYS) as SignatureAlgorithm[]

/** A record of a key by the name of its algorithm. */
export function lookup(keyid: string): SignatureKey | undefined {
  const algorithm = ALGORITHMS.find((name) => name === keyid)
  return (
    algorithm && { algorithm, key: KEYS[algorithm].verify, subject: `service-${algorithm}`, scopes: ['pay'] }
  )
}

/** The clock shows a whole second. */
export const START = 1_700_000_000_000

/** A store without bounds, which keeps what it was told. */
export function replays(clock: ManualClock): ReplayStore & { readonly told: [string, string, number][] } {
  const ends = new Map<string, number>()
  const told: [string, string, number][] = []
  return {
    told,
    remember(id, source, duration): Remembered {
      told.push([id, source, duration])
      if ((ends.get(id) ?? 0) > clock.now()) return 'seen'
      ends.set(id, clock.now() + duration)
      return 'fresh'
    },
  }
}

/** A payment, as it is signed when nothing is said. */
export const PAYMENT = {
  method: 'POST',
  url: 'https://api.example/payments?dry=1',
  body: '{"amount":1}',
  headers: { 'content-type': 'application/json', 'idempotency-key': '"k1"' },
  keyid: 'ed25519',
  algorithm: 'ed25519',
  key: KEYS.ed25519.sign,
  created: START / 1_000,
} as const satisfies SignRequestInit

/** Signs, and describes the request that a client would send. */
export function signed(
  init: Partial<SignRequestInit> = {},
): ExchangeInit & { headers: Record<string, string> } {
  const all = { ...PAYMENT, ...init }
  const url = new URL(all.url)
  return {
    method: all.method,
    origin: url.origin,
    path: url.pathname,
    query: url.search.slice(1),
    body: all.body,
    headers: { ...all.headers, ...signRequest(all) } as Record<string, string>,
  }
}

/** A chain with one scheme, and a clock that stands at the time of signing. */
export function chain(options: Partial<HttpSignatureOptions> = {}) {
  const clock = new ManualClock(START)
  const store = replays(clock)
  const errors: unknown[] = []
  const scheme = httpSignature({ lookup, origin: 'request', replay: store, clock, ...options })
  const policy = authenticate([scheme], { onError: (error) => void errors.push(error) })

  return {
    clock,
    store,
    errors,
    scheme,
    ...asking(policy),
  }
}

function pair({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }) {
  return { sign: privateKey, verify: publicKey }
}

function secret(bytes: Buffer) {
  const key = createSecretKey(bytes)
  return { sign: key, verify: key }
}

/** RFC 9421 B.1. */
export const RFC_KEYS = {
  rsaPss: fromDer(`MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB`),
  p256: fromDer(`MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==`),
  ed25519: fromDer('MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs='),
  ed25519Private: createPrivateKey({
    key: Buffer.from('MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF', 'base64'),
    format: 'der',
    type: 'pkcs8',
  }),
  secret: createSecretKey(
    Buffer.from(
      'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
      'base64',
    ),
  ),
} as const

function fromDer(base64: string): KeyObject {
  return createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' })
}
