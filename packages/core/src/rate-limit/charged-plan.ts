import type { RateLimitCharge } from './store.js'

/** Names charges by whose they are and under which rate. Keys are digests: nothing in them looks like a separator. */
export function planName(charges: readonly RateLimitCharge[]): string {
  let name = ''
  for (const charge of charges) {
    const span = 'interval' in charge ? charge.interval : `${charge.algorithm}${charge.window}`
    name += `${charge.key} ${charge.quota} ${charge.burst} ${span};`
  }
  return name
}

/** The one cost of all charges; undefined where they differ. */
export function commonCost(charges: readonly RateLimitCharge[]): number | undefined {
  const cost = charges[0]?.cost
  return charges.every((charge) => charge.cost === cost) ? cost : undefined
}
