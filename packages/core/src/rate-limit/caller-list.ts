import { isAnonymous, type Identity } from '../auth/identity.js'
import type { Exchange } from '../exchange.js'
import { networkTest } from '../http/networks.js'
import { checkKnown, checkText } from '../options.js'

/** Callers by their address or by who they are. A caller is on the list if one of both says so. */
export interface CallerList {
  /** Networks in CIDR form or single addresses: `['10.0.0.0/8', '2001:db8::/32', '192.0.2.1']`. Default: none. */
  readonly addresses?: readonly string[]
  /** Who: all members that are given must be equal. Nobody anonymous is meant. Default: none. */
  readonly identities?: readonly IdentityPattern[]
}

/** Members of an identity, at least one. */
export type IdentityPattern = Partial<
  Pick<Identity, 'scheme' | 'credentialId'> & {
    readonly subject: string
    readonly issuer: string
    readonly tenant: string
  }
>

/** Whether a request's caller is on a list. */
export interface CallerTest {
  (exchange: Exchange): boolean
  readonly needsIdentity: boolean
}

const MEMBERS = ['scheme', 'issuer', 'tenant', 'subject', 'credentialId'] as const

/** @throws TypeError that names the option: an empty list would protect nobody in silence. */
export function callerTest(option: string, list: CallerList | undefined): CallerTest {
  if (list === undefined) return Object.assign(() => false, { needsIdentity: false })
  checkKnown(option, list, ['addresses', 'identities'])
  const { addresses, identities } = list
  if (addresses === undefined && identities === undefined) {
    throw new TypeError(`${option} needs addresses or identities`)
  }
  const hasAddress = addresses === undefined ? () => false : networkTest(`${option}.addresses`, addresses)
  const patterns = identities === undefined ? [] : checkPatterns(`${option}.identities`, identities)
  const test = ({ address, identity }: Exchange): boolean =>
    hasAddress(address) ||
    (identity !== undefined &&
      !isAnonymous(identity) &&
      patterns.some((pattern) => pattern.every(([member, value]) => identity[member] === value)))
  return Object.assign(test, { needsIdentity: patterns.length > 0 })
}

type CheckedPattern = readonly (readonly [(typeof MEMBERS)[number], string])[]

function checkPatterns(option: string, patterns: unknown): readonly CheckedPattern[] {
  if (!Array.isArray(patterns) || patterns.length === 0) {
    throw new TypeError(`${option} must be a non-empty array`)
  }
  return patterns.map((pattern: unknown, index) => {
    const name = `${option}[${index}]`
    checkKnown(name, pattern, MEMBERS)
    const given = MEMBERS.filter((member) => Object.hasOwn(pattern as object, member))
    if (given.length === 0) throw new TypeError(`${name} needs at least one of ${MEMBERS.join(', ')}`)
    return given.map((member) => {
      return [member, checkText(`${name}.${member}`, (pattern as Record<string, unknown>)[member])] as const
    })
  })
}
