// @ts-check
/// <reference types="node" />
import { generateKeyPairSync, hash } from 'node:crypto'
import { dpop, jwt, keyOf, memoryReplayStore } from '@headgate/core'
import { literalExchange } from '@headgate/core/testing'
import { calculateJwkThumbprint, compactVerify, exportJWK, SignJWT } from 'jose'

const ISSUER = 'https://idp.example/'
const AUDIENCE = 'https://api.example'

/**
 * Tokens of ES256 that are bound to a key each, with a proof each. The store says that no proof was used before.
 *
 * @param {number} count
 */
export async function boundTokens(count) {
  const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwks = { keys: [{ ...(await exportJWK(issuer.publicKey)), kid: 'key-1', alg: 'ES256' }] }
  /** @param {'ES256' | 'EdDSA'} algorithm @param {number} index */
  const present = async (algorithm, index) => {
    const { privateKey, publicKey } =
      algorithm === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519')
    const jwk = await exportJWK(publicKey)
    const token = await new SignJWT({ cnf: { jkt: await calculateJwkThumbprint(jwk) } })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(`user-${index}`)
      .setIssuedAt()
      .setExpirationTime('2h')
      .sign(issuer.privateKey)
    const ath = hash('sha256', token, 'base64url')
    const proof = await new SignJWT({ jti: `proof-${index}`, htm: 'GET', htu: `${AUDIENCE}/items/42`, ath })
      .setProtectedHeader({ alg: algorithm, typ: 'dpop+jwt', jwk })
      .setIssuedAt()
      .sign(privateKey)
    return { token, proof, publicKey, exchange: literalExchange({ headers: { dpop: proof } }) }
  }
  const token = jwt({ issuer: ISSUER, audience: AUDIENCE, jwks })
  const replay = { remember: () => /** @type {const} */ ('fresh') }
  const scheme = dpop({ token, replay, origin: AUDIENCE, maxAge: '2h' })
  const sets = await Promise.all(
    /** @type {const} */ (['ES256', 'EdDSA']).map((algorithm) =>
      Promise.all(Array.from({ length: count }, (_, index) => present(algorithm, index))),
    ),
  )
  const store = memoryReplayStore({ maxEntries: 10_000, maxEntriesPerSource: 10_000 })
  let ids = 0
  /** @type {import('./turns.mjs').Contestant[]} */
  const contestants = sets.flatMap((set, kind) => {
    const algorithm = kind === 0 ? 'ES256' : 'EdDSA'
    const at = (/** @type {string} */ index) => known(set[Number(index)])
    return [
      {
        name: `jose \`compactVerify\` of the proof alone, ${algorithm}, key at hand`,
        verify: (index) => compactVerify(at(index).proof, at(index).publicKey),
        isGood: (result) => result.payload.byteLength > 0,
      },
      {
        name: `Headgate \`dpop\`, remembered token, proof by ${algorithm}`,
        verify: (index) => scheme.verify(at(index).token, at(index).exchange),
        isGood: (result) => result.verdict === 'accepted',
      },
    ]
  })
  contestants.push({
    name: '`memoryReplayStore` alone, 10,000 ids, each for 1 ms, with their digests',
    verify: (index) => store.remember(keyOf(index, (ids += 1)), 'source', 1),
    isGood: (result) => result === 'fresh',
  })
  return { contestants, credentials: sets[0]?.map((_, index) => String(index)) ?? [] }
}

/**
 * @template T
 * @param {T | undefined} value
 */
function known(value) {
  if (value === undefined) throw new Error('there is no such credential')
  return value
}
