import { hash } from 'node:crypto'
import type { Exchange } from '../../exchange.js'
import { keyOf } from '../../key.js'
import { firstUse } from '../first-use.js'
import type { Identity } from '../identity.js'
import { accepted, rejected, type Rejected, type Scheme, type Verdict } from '../scheme.js'
import { checkDpopOptions, type DpopOptions } from './options.js'
import { badProof, type Proof, readProof } from './proof.js'
import { proofVerifier } from './proof-keys.js'

/**
 * Knows callers by an access token in `Authorization: DPoP` that is bound to a key, and a proof in `DPoP` that the sender
 * holds it (RFC 9449). What is stolen of a request is good for nothing: the token needs the key, and a proof is good
 * once, for one method, one URL and one token.
 *
 * The token's own verification may be remembered; the proof is checked on every request.
 */
export function dpop(options: DpopOptions): Scheme {
  const {
    token: tokens,
    replay,
    isTarget,
    algorithms,
    nonces,
    clock,
    ...settings
  } = checkDpopOptions(options)
  const { maxAge, tolerance, memory, deadline } = settings
  const verifyProof = proofVerifier()
  const isFirst = firstUse(replay, clock, deadline)

  return {
    name: 'dpop',
    credential: { field: 'authorization', authScheme: 'DPoP' },
    challenge: { authScheme: 'DPoP', parameters: { algs: algorithms.join(' ') }, errors: true },
    ...(tokens.claims && { claims: (token) => tokens.claims?.(token) ?? false }),
    /** The cheap first: neither a signature nor a server is asked about a token without a proof that fits in form. */
    async verify(token, exchange) {
      const proof = readProof(exchange.lines('dpop'), algorithms)
      if ('verdict' in proof) return proof
      const verdict = await tokens.verifyBound(token, exchange)
      if (verdict.verdict !== 'accepted') return verdict
      const { identity } = verdict
      const failure =
        checkBinding(identity, proof) ?? (await verifyProof(proof)) ?? checkRequest(proof, token, exchange)
      if (failure !== undefined) return failure
      const age = checkAge(proof)
      return age === undefined || age === 'ageing' ? use(identity, proof, age) : age
    },
  }

  /** RFC 9449 4.3, checks 8, 9 and 12. */
  function checkRequest({ claims }: Proof, token: string, exchange: Exchange): Rejected | undefined {
    if (claims.htm !== exchange.method)
      return badProof('binding-failed', 'htm', 'proof is for another method')
    if (!isTarget(claims.htu, exchange)) return badProof('binding-failed', 'htu', 'proof is for another URL')
    if (claims.ath !== hash('sha256', token, 'base64url')) {
      return badProof('binding-failed', 'ath', 'proof is for another token')
    }
    return undefined
  }

  /** RFC 9449 4.3, checks 10 and 11. A nonce says when a proof was made, also where the client's clock is wrong. */
  function checkAge({ claims: { iat, nonce } }: Proof): Rejected | 'ageing' | undefined {
    const now = clock.now()
    if (nonces !== undefined) {
      const age = nonce === undefined ? 'bad' : nonces.judge(nonce, now)
      if (age === 'bad') return demandNonce(nonces.current(now))
      return age === 'ageing' ? age : undefined
    }
    const made = iat * 1_000
    if (now < made - tolerance) return badProof('issued-in-future', 'iat', 'proof issued in the future')
    if (now >= made + maxAge + tolerance) return badProof('expired', 'iat', 'proof is too old')
    return undefined
  }

  /** The last check, since it leaves a trace. */
  async function use(identity: Identity, proof: Proof, age: 'ageing' | undefined): Promise<Verdict> {
    const id = keyOf('dpop', proof.thumbprint, proof.claims.jti)
    const found = await isFirst(id, identity.key, memory)
    if (found === 'seen') return badProof('replayed', 'jti', 'proof was used before')
    if (found !== 'fresh') return found
    return accepted(identity, age && nonces && nonceFields(nonces.current(clock.now())))
  }
}

/** Sent by mistake or as an attack: a token without this key is no DPoP token, and other bindings nobody here checks. */
function checkBinding({ claims }: Identity, { thumbprint }: Proof): Rejected | undefined {
  const confirmation: unknown = claims['cnf']
  if (typeof confirmation !== 'object' || confirmation === null) return unbound('cnf')
  if (Object.keys(confirmation).join() !== 'jkt') return unbound('cnf')
  const { jkt } = confirmation as { readonly jkt: unknown }
  // Whoever does not hold the key learns no more than that.
  return jkt === thumbprint ? undefined : rejected('binding-failed', { at: 'cnf.jkt' })
}

function unbound(at: string): Rejected {
  const challenge = { error: 'invalid_token', error_description: 'token is not bound to a DPoP key' }
  return rejected('binding-failed', { at, genuine: true, challenge })
}

/** No failure: the client tries again with it. */
function demandNonce(nonce: string): Rejected {
  const challenge = { error: 'use_dpop_nonce', error_description: 'proof needs the nonce sent with this' }
  return rejected('nonce-demanded', {
    at: 'DPoP.nonce',
    genuine: true,
    challenge,
    headers: nonceFields(nonce),
  })
}

/** A stored answer would give out a nonce that has ended (RFC 9449 8.2). */
function nonceFields(nonce: string): { readonly 'dpop-nonce': string; readonly 'cache-control': string } {
  return { 'dpop-nonce': nonce, 'cache-control': 'no-store' }
}
