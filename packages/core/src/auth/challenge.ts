import type { Scheme } from './scheme.js'

/** Parameters of a challenge, in the order they are written. */
export type ChallengeParameters = Readonly<Record<string, string>>

/** Writes the `WWW-Authenticate` lines of a chain. */
export interface Challenges {
  /** One line per scheme. `error` goes on the line of `scheme`, or on every line when no scheme is named. */
  all(error?: ChallengeParameters, scheme?: Scheme): readonly string[]
  /** The line of one scheme alone. */
  only(scheme: Scheme, error: ChallengeParameters): string
}

/**
 * Serialises one challenge (RFC 9110 11.6.1).
 *
 * @throws TypeError for what may not stand in one: RFC 6750 3 leaves printable ASCII without `"` and `\`.
 */
export function serializeChallenge(authScheme: string, parameters: ChallengeParameters): string {
  if (!TOKEN.test(authScheme)) throw new TypeError('challenge: the authentication scheme must be a token')
  const names = Object.keys(parameters)
  // `Bearer` must be followed by at least one parameter.
  if (names.length === 0) throw new TypeError(`challenge: ${authScheme} needs a parameter`)
  return `${authScheme} ${names.map((name) => parameter(name, parameters[name])).join(', ')}`
}

/** Joins scopes for a challenge; undefined when one of them can't be written in it. */
export function scopeParameter(scopes: readonly string[]): string | undefined {
  return scopes.every((scope) => SCOPE_TOKEN.test(scope)) ? scopes.join(' ') : undefined
}

/**
 * Prepares the challenges of a chain: one line per scheme, since simple clients split badly on commas; `Bearer`
 * first. Schemes that ask in the same words share a line.
 *
 * @param resourceMetadata where clients read which servers give tokens (RFC 9728 5.1): named to those that need one.
 */
export function prepareChallenges(
  schemes: readonly Scheme[],
  realm: string,
  resourceMetadata?: string,
): Challenges {
  const metadata = resourceMetadata === undefined ? {} : { resource_metadata: resourceMetadata }
  const lineOf = new Map<Scheme, Line>()
  const lines: Line[] = []
  for (const scheme of schemes) {
    const { authScheme, parameters, errors = false } = scheme.challenge
    const own = { realm, ...parameters, ...(OAUTH.test(authScheme) ? metadata : {}) }
    const text = serializeChallenge(authScheme, own)
    let line = lines.find((known) => known.text === text)
    if (line === undefined) lines.push((line = { text, errors, bearer: /^bearer$/i.test(authScheme) }))
    lineOf.set(scheme, line)
  }
  lines.sort((a, b) => Number(b.bearer) - Number(a.bearer))

  return {
    all: (error, scheme) =>
      lines.map((line) =>
        scheme === undefined || line === lineOf.get(scheme) ? withError(line, error) : line.text,
      ),
    only(scheme, error) {
      const line = lineOf.get(scheme)
      if (line === undefined) throw new TypeError(`challenge: '${scheme.name}' is not in the chain`)
      return withError(line, error)
    },
  }
}

interface Line {
  readonly text: string
  readonly errors: boolean
  readonly bearer: boolean
}

function withError({ text, errors }: Line, error: ChallengeParameters = {}): string {
  if (!errors) return text
  return [text, ...Object.keys(error).map((name) => parameter(name, error[name]))].join(', ')
}

/** Schemes whose credential an authorization server gives. */
const OAUTH = /^(?:bearer|dpop)$/i
/** A token of RFC 9110 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** What RFC 6750 3 allows in a value: neither `"` nor `\`, so nothing is ever escaped. */
const VALUE = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

function parameter(name: string, value: string | undefined): string {
  if (!TOKEN.test(name)) throw new TypeError('challenge: a parameter name must be a token')
  if (value === undefined || !VALUE.test(value)) {
    throw new TypeError(`challenge: '${name}' must be printable ASCII without " and \\`)
  }
  return `${name}="${value}"`
}
