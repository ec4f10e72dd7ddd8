import type { RefusalCode } from '../refusal.js'

/** Why a credential was not accepted. */
export type RejectionReason =
  /** Not written as its scheme writes it, or a part of it (`at`) has the wrong form. */
  | 'malformed'
  /** No scheme of the chain reads it. */
  | 'unknown-scheme'
  | 'unknown-key'
  | 'bad-signature'
  /** A token of another kind (`typ`). */
  | 'wrong-type'
  | 'wrong-issuer'
  | 'wrong-audience'
  | 'expired'
  | 'not-yet-valid'
  | 'issued-in-future'
  /** A claim that must be there (`at`) is not. */
  | 'claim-missing'
  | 'revoked'
  | 'inactive'
  /** Bound to a sender who did not prove to be that sender. */
  | 'binding-failed'
  /** Good once, and used before: a proof, a signature. */
  | 'replayed'
  /** It must carry a nonce from here (`DPoP-Nonce`), and the one it has is none or too old. The client tries again. */
  | 'nonce-demanded'

/** What `authenticate` tells observers. */
export type AuthEvent = AuthAccepted | AuthRefused | AuthStoreFailed

/** The caller is known, or none needs to be. */
export interface AuthAccepted {
  readonly type: 'auth.accepted'
  /** The identity's scheme; `anonymous` when nobody is named. */
  readonly scheme: string
  readonly issuer?: string | undefined
  /** Which credential it was: a token's `jti`, an API key's id. Cut to 256 characters, control characters replaced. */
  readonly credentialId?: string | undefined
}

/** The request ends here. */
export interface AuthRefused {
  readonly type: 'auth.refused'
  readonly code: RefusalCode
  /** The scheme that decided. Absent when none did: nothing was sent, or nothing a scheme reads. */
  readonly scheme?: string | undefined
  readonly reason?: RejectionReason | undefined
  /** The claim or header parameter that failed: `exp`, `alg`. */
  readonly at?: string | undefined
  /** The issuers or audiences that would have been accepted. */
  readonly expected?: readonly string[] | undefined
  /** The issuer or audiences the token names: at most 5, each cut to 256 characters, control characters replaced. */
  readonly received?: readonly string[] | undefined
}

/** The store of failed credentials is away: this process counts alone. */
export interface AuthStoreFailed {
  readonly type: 'auth.store-failed'
  /** Why there was no answer (`deadline`), or the error's code or name; never its text. */
  readonly reason: string
}
