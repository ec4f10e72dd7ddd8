import type { Incoming } from '../exchange.js'
import type { Scheme } from './scheme.js'

/** What a request carries, told from its form alone. */
export type Presented =
  | 'none'
  /** A field twice, or two kinds. */
  | 'several'
  /** An authentication scheme that the chain does not have. */
  | 'unknown'
  | Credential

/** The one credential of a request. */
export interface Credential {
  /** What the client sent, without the name of the authentication scheme. Unchecked. */
  readonly value: string
  /** The schemes that read the place where it stands. */
  readonly readers: readonly [Scheme, ...Scheme[]]
}

/** Reads the one credential of a request. */
export type CredentialReader = (incoming: Pick<Incoming, 'lines'>) => Presented

/**
 * Prepares the reader of a chain. `Authorization` is read in any case: a credential nobody asked for is a bad one.
 *
 * @param ignored authentication schemes that count as not sent; their names compare without case (RFC 9110 11.1).
 */
export function credentialReader(schemes: readonly Scheme[], ignored: readonly string[]): CredentialReader {
  const ignoredNames = new Set(ignored.map((name) => name.toLowerCase()))
  const byAuthScheme = group(schemes, ({ credential }) => credential.authScheme?.toLowerCase())
  const byField = group(schemes, ({ credential: { field, authScheme } }) =>
    authScheme === undefined ? field : undefined,
  )
  const places = [...byField].map(([field, readers]) => ({
    field,
    readers,
    companions: [...new Set(readers.flatMap(({ credential }) => credential.companions ?? []))],
  }))

  return (incoming) => {
    let count = 0
    let found: Credential | undefined
    for (const line of incoming.lines('authorization')) {
      const space = line.indexOf(' ')
      const name = (space === -1 ? line : line.slice(0, space)).toLowerCase()
      if (ignoredNames.has(name)) continue
      count += 1
      const readers = byAuthScheme.get(name)
      // Exactly one space: a second one would be a part of the credential, and its scheme refuses it.
      if (readers !== undefined) found = { readers, value: space === -1 ? '' : line.slice(space + 1) }
    }
    for (const { field, readers, companions } of places) {
      const lines = incoming.lines(field)
      if (companions.length > 0) {
        // One credential in several fields: a part of it is a bad one, and not none.
        if (lines.length === 0 && !companions.some((name) => incoming.lines(name).length > 0)) continue
        count += 1
        found = { readers, value: lines.join(', ') }
        continue
      }
      for (const value of lines) {
        count += 1
        found = { readers, value }
      }
    }
    if (count > 1) return 'several'
    return found ?? (count === 0 ? 'none' : 'unknown')
  }
}

/** The scheme that decides. No other is asked afterwards. */
export function lastWord({ readers, value }: Credential): Scheme {
  if (readers.length === 1) return readers[0]
  return readers.find((scheme) => scheme.claims?.(value)) ?? readers[0]
}

function group(
  schemes: readonly Scheme[],
  by: (scheme: Scheme) => string | undefined,
): ReadonlyMap<string, Credential['readers']> {
  const groups = new Map<string, [Scheme, ...Scheme[]]>()
  for (const scheme of schemes) {
    const name = by(scheme)
    if (name === undefined) continue
    const known = groups.get(name)
    if (known === undefined) groups.set(name, [scheme])
    else known.push(scheme)
  }
  return groups
}
