import type { Exchange } from '../exchange.js'
import type { Fields } from '../fields.js'
import type { Refusal } from '../refusal.js'
import type { RejectionReason } from './events.js'
import type { Identity } from './identity.js'

/** One kind of credential: where it stands, how it is asked for, who it names. */
export interface Scheme {
  /** For events. */
  readonly name: string
  /** Where the credential stands. A field that is there is a credential: there is no falling through. */
  readonly credential: CredentialPlace
  /** How a caller without a credential is asked for one. */
  readonly challenge: SchemeChallenge
  /**
   * Whether a credential is meant for this scheme, told from its form alone. Asked only when several schemes of a
   * chain read the same place: the first that says yes has the last word, else the first of them.
   */
  claims?(credential: string): boolean
  /**
   * Decides about a credential. The string is what the client sent, unchecked; without the name of the
   * authentication scheme. It may be anything, also empty. A throw or a rejection counts as {@link undecided}.
   */
  verify(credential: string, exchange: Exchange): Verdict | Promise<Verdict>
}

/** Where a credential stands. Query parameters and cookies are no such places. */
export interface CredentialPlace {
  /** The request field, lower case: `authorization`, `x-api-key`. */
  readonly field: string
  /** The authentication scheme within `authorization`: `Bearer`. Given for that field only. */
  readonly authScheme?: string
  /**
   * More fields of the same credential, lower case: `signature` beside `signature-input`. Any of these fields, in any
   * number of lines, is one credential, and the scheme reads them from the exchange. Not for `authorization`.
   * Default: none.
   */
  readonly companions?: readonly string[]
}

/** A scheme's part of `WWW-Authenticate`. The realm is the chain's. */
export interface SchemeChallenge {
  /** `Bearer`, `ApiKey`, `Basic`, ... */
  readonly authScheme: string
  /** Parameters beside the realm. Printable ASCII without `"` and `\`. Default: none. */
  readonly parameters?: Readonly<Record<string, string>>
  /** The scheme knows `error`, `error_description` and `scope` (RFC 6750 3). Default `false`. */
  readonly errors?: boolean
}

/** What a scheme makes of a credential. */
export type Verdict = Accepted | Rejected | Undecided

/** The credential is good. */
export interface Accepted {
  readonly verdict: 'accepted'
  readonly identity: Identity
  /** Fields for the response, whatever it will be: `DPoP-Nonce`; lower-cased names. Default: none. */
  readonly headers?: Fields
}

/** The credential is bad: 401. */
export interface Rejected extends RejectionDetail {
  readonly verdict: 'rejected'
  readonly reason: RejectionReason
}

/** What may be said of a rejection. Never a part of the credential. */
export interface RejectionDetail {
  /** It was made by whom it names, and is refused for what it says: the client may be told why. Default `false`. */
  readonly genuine?: boolean
  /** For events: the part that failed, such as `exp`. */
  readonly at?: string
  /** For events: the issuers or audiences that would do. */
  readonly expected?: readonly string[]
  /** For events: the issuer or audiences it names. */
  readonly received?: readonly string[]
  /** Challenge parameters in place of `error="invalid_token"`, such as DPoP's `use_dpop_nonce`. Default: none. */
  readonly challenge?: Readonly<Record<string, string>>
  /** More response fields, such as `DPoP-Nonce`; lower-cased names. Default: none. */
  readonly headers?: Fields
  /** What the client gets in place of a 401, where the request is at fault: `body-too-large`. Default: none. */
  readonly refusal?: Refusal
}

/** The scheme can't know at the moment: 503, and never a 401 that makes clients throw good credentials away. */
export interface Undecided {
  readonly verdict: 'undecided'
  /** When to ask again, in milliseconds. */
  readonly retryAfter: number
}

/** When to ask again if a scheme does not say, in milliseconds. */
export const RETRY_AFTER = 5_000

/** Says that a credential is good. */
export function accepted(identity: Identity, headers?: Fields): Accepted {
  return { verdict: 'accepted', identity, ...(headers && { headers }) }
}

/** Says that a credential is bad. */
export function rejected(reason: RejectionReason, detail: RejectionDetail = {}): Rejected {
  return { ...detail, verdict: 'rejected', reason }
}

/** Says that it can't be decided now: a key source or a store is away. */
export function undecided(retryAfter: number = RETRY_AFTER): Undecided {
  return { verdict: 'undecided', retryAfter }
}
