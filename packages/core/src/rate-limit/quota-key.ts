import { type Identity, isAnonymous } from '../auth/identity.js'
import type { Exchange } from '../exchange.js'
import { networkOf } from '../http/ip.js'
import { keyOf } from '../key.js'

/**
 * Whose budget a request takes from.
 *
 * - `identity`: the caller's, with every credential; an anonymous caller's is that of the address;
 * - `tenant`: the tenant's, as its issuer names it; a caller without one has a budget as in `identity`;
 * - `ip`: the client address's; IPv6 addresses of one network have one;
 * - `route`: everybody's, one for each operation;
 * - `global`: everybody's;
 * - a function: one for each string it returns; where it returns undefined, that of the address.
 */
export type QuotaKey =
  'identity' | 'tenant' | 'ip' | 'route' | 'global' | ((exchange: Exchange) => string | undefined)

/** The keys that need no function of the user. */
export const QUOTA_KEYS = ['identity', 'tenant', 'ip', 'route', 'global'] as const

/** Finds the store key of the budget a request takes from. */
export type BudgetKey = (exchange: Exchange) => string

/**
 * @param option the option's full name, for the error.
 * @param ipv6Prefix how many bits of an IPv6 address count.
 */
export function budgetKey(option: string, key: QuotaKey, ipv6Prefix: number): BudgetKey {
  const byAddress: BudgetKey = ({ address }) => keyOf('rate-limit', 'ip', networkOf(address, ipv6Prefix))
  const byIdentity: BudgetKey = (exchange) => known(exchange)?.key ?? byAddress(exchange)
  switch (key) {
    case 'identity':
      return byIdentity
    case 'tenant':
      return (exchange) => {
        const { tenant, issuer } = known(exchange) ?? {}
        return tenant === undefined ? byIdentity(exchange) : keyOf('rate-limit', 'tenant', issuer, tenant)
      }
    case 'ip':
      return byAddress
    case 'route':
      return ({ operation }) => keyOf('rate-limit', 'route', operation.protocol, operation.name)
    case 'global': {
      const everybody = keyOf('rate-limit', 'global')
      return () => everybody
    }
    default:
      return (exchange) => {
        const name: unknown = key(exchange)
        if (name === undefined) return byAddress(exchange)
        if (typeof name !== 'string') throw new TypeError(`${option} must return a string or undefined`)
        return keyOf('rate-limit', 'named', name)
      }
  }
}

function known({ identity }: Exchange): Identity | undefined {
  return identity === undefined || isAnonymous(identity) ? undefined : identity
}
