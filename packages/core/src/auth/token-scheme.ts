import type { Exchange } from '../exchange.js'
import { rejected, type Scheme, type Verdict } from './scheme.js'

/** A scheme of access tokens, some of which may be bound to their sender (`cnf`, RFC 7800). */
export interface TokenScheme extends Scheme {
  /**
   * As `verify`, but a bound token passes too. Whoever asks must check what `cnf` in the identity's claims says: by
   * itself such a token is good for nobody.
   */
  verifyBound(token: string, exchange: Exchange): Verdict | Promise<Verdict>
}

/** What makes one scheme of access tokens differ from another. */
export type TokenSchemeInit = Pick<TokenScheme, 'name' | 'verifyBound'> & Pick<Scheme, 'claims'>

/** Makes a scheme of access tokens in `Authorization: Bearer` (RFC 6750) that takes no bound token by itself. */
export function tokenScheme({ name, claims, verifyBound }: TokenSchemeInit): TokenScheme {
  return {
    name,
    credential: { field: 'authorization', authScheme: 'Bearer' },
    challenge: { authScheme: 'Bearer', errors: true },
    ...(claims && { claims }),
    verifyBound,
    verify(token, exchange) {
      const verdict = verifyBound(token, exchange)
      return 'then' in verdict ? verdict.then(unbound) : unbound(verdict)
    },
  }
}

/** Whoever steals a bound token must not be able to use it as a plain one (RFC 9449 7.2, RFC 8705 3). */
function unbound(verdict: Verdict): Verdict {
  if (verdict.verdict !== 'accepted' || !Object.hasOwn(verdict.identity.claims, 'cnf')) return verdict
  return rejected('binding-failed', { at: 'cnf', genuine: true })
}
