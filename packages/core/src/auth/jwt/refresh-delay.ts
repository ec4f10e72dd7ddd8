/** The first wait after a failure; each further one is twice as long, up to the cooldown. */
const FIRST_BACKOFF = 1_000
/** Jitter must not make a wait vanish. */
const LEAST_BACKOFF = 100

/**
 * How long after an attempt the next one comes, in milliseconds: at 70 to 80 % of the keys' age where it succeeded;
 * else after a backoff that doubles, anywhere in it.
 *
 * @param failures how many attempts have failed since the last that did not.
 * @param random from 0 up to 1: spreads the fetches of many processes.
 */
export function refreshDelay(
  failures: number,
  { maxAge, cooldown }: { readonly maxAge: number; readonly cooldown: number },
  random: number,
): number {
  if (failures === 0) return maxAge * (0.8 - 0.1 * random)
  return Math.max(LEAST_BACKOFF, Math.min(cooldown, FIRST_BACKOFF * 2 ** (failures - 1)) * random)
}
