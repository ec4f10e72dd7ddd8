import { checkAccess } from './auth/access.js'
import { checkIdentity, type Identity } from './auth/identity.js'
import { type Exchange, type Next, type Policy, STAGES, type Stage } from './exchange.js'
import type { Operation } from './operation.js'
import type { Reply } from './reply.js'

/** Runs an exchange through the policies and, if all let it pass, through the handler. */
export type Gate = (exchange: Exchange, handler: Next) => Promise<Reply>

/** What a gate must know to check its policies. */
export interface GateSetting {
  /** The identity comes from outside: another middleware or an outer gate. Default `false`. */
  readonly identityGiven?: boolean
}

/**
 * Composes policies once, at start-up, in the order given.
 *
 * @throws TypeError when the order can't be right: a cache before authentication would answer strangers.
 */
export function composeGate(policies: readonly Policy[], setting: GateSetting = {}): Gate {
  checkPolicies(policies)
  checkOrder(policies, setting.identityGiven ?? false)
  const chain = withContract(policies)

  return (exchange, handler) => {
    const step = (index: number): Promise<Reply> => {
      const policy = chain[index]
      if (policy === undefined) return handler()
      let called = false
      const handled = policy.handle(exchange, () => {
        if (called) return Promise.reject(new Error(`gate: '${policy.name}' called next() twice`))
        called = true
        return step(index + 1)
      })
      return replyOf(policy, handled)
    }
    return step(0)
  }
}

/** A policy that forgets to return what `next()` gave it would send an empty answer: say whose fault it is. */
async function replyOf(policy: Policy, handled: Promise<Reply>): Promise<Reply> {
  const reply = (await handled) as Reply | undefined
  if (reply?.kind !== 'answer' && reply?.kind !== 'refusal') {
    throw new TypeError(`gate: '${policy.name}' returned no reply; return what next() resolves to`)
  }
  return reply
}

/** What the operation demands, at its place in the order: its refusal must leave no trace behind it. */
const contract: Policy = {
  name: 'contract',
  stage: 'contract',
  handle({ operation, identity }, next) {
    // Whoever said it: keys and answers of callers without digests would be those of all of them.
    checkIdentity('gate: exchange.identity', identity)
    // `authenticate` has asked; where the caller comes from elsewhere, or from nowhere, nobody has.
    const refusal = checkAccess(operation.access, identity)
    if (refusal !== undefined) return Promise.resolve(refusal)
    return operation.contract === undefined ? next() : meet(operation, identity, next)
  },
}

async function meet(operation: Operation, identity: Identity | undefined, next: Next): Promise<Reply> {
  return (await operation.contract?.(identity)) ?? next()
}

function withContract(policies: readonly Policy[]): readonly Policy[] {
  const later = policies.findIndex(({ stage }) => stage !== undefined && rank(stage) > rank('contract'))
  const place = later === -1 ? policies.length : later
  return [...policies.slice(0, place), contract, ...policies.slice(place)]
}

function rank(stage: Stage): number {
  return STAGES.indexOf(stage)
}

function checkPolicies(policies: readonly Policy[]): void {
  if (!Array.isArray(policies)) throw new TypeError('gate: policies must be an array')
  policies.forEach((policy: unknown, index) => {
    const { name, handle } = (policy ?? {}) as Partial<Policy>
    if (typeof handle !== 'function' || typeof name !== 'string') {
      throw new TypeError(`gate: policies[${index}] is not a policy (it needs a name and a handle function)`)
    }
    if (policies.indexOf(policy) !== index) {
      throw new TypeError(`gate: '${name}' stands twice; one policy decides once about a request`)
    }
  })
}

const REASONS: Readonly<Record<Stage, string>> = {
  authenticate: 'whatever comes before it decides about a caller it does not know',
  'rate-limit': 'whatever comes before it is done for callers who have no budget left',
  contract: 'a request that can not run must leave no trace behind it',
  idempotency: 'a write must be claimed before anything else acts on it',
  cache: 'a stored answer must be the last thing that can stand in for the handler',
}

function checkOrder(policies: readonly Policy[], identityGiven: boolean): void {
  let identityKnown = identityGiven
  let last: Policy | undefined
  for (const policy of policies) {
    if (policy.needsIdentity && !identityKnown) {
      throw new TypeError(
        `gate: '${policy.name}' needs to know the caller; put authenticate() before it, or give the gate an identity`,
      )
    }
    if (policy.stage === 'authenticate') identityKnown = true
    if (policy.stage === undefined) continue
    if (last?.stage !== undefined && rank(policy.stage) < rank(last.stage) && !isAddressLimit(last, policy)) {
      throw new TypeError(
        `gate: '${policy.name}' must stand before '${last.name}': ${REASONS[policy.stage]}. ` +
          `The order is ${STAGES.join(', ')}.`,
      )
    }
    last = policy
  }
}

/** A limit by address needs no identity and may stand first, to slow down guessing. */
function isAddressLimit(earlier: Policy, later: Policy): boolean {
  return earlier.stage === 'rate-limit' && !earlier.needsIdentity && later.stage === 'authenticate'
}
