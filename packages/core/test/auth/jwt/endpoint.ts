import { type JwksKeeper, keepKeys, type KeeperEvent } from '../../../src/auth/jwt/jwks-keeper.js'
import type { FetchFailure } from '../../../src/auth/jwt/kept-keys.js'
import type { KeyRecord } from '../../../src/auth/jwt/key-record.js'
import { createKeySet, type KeySet } from '../../../src/auth/jwt/key-set.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'

export const MINUTE = 60_000
export const MAX_AGE = 10 * MINUTE
export const MAX_STALE = 60 * MINUTE
export const COOLDOWN = 30_000
export const DEADLINE = 2_000

/** An endpoint that publishes key ids at once or after a second, fails, or hangs until its deadline. */
export class Endpoint {
  readonly clock = new ManualClock()
  readonly events: KeeperEvent[] = []
  kids: readonly string[] = ['a']
  mode: 'up' | 'slow' | 'down' | 'hung' = 'up'
  fetches = 0

  keep(): JwksKeeper {
    return keepKeys({
      clock: this.clock,
      maxAge: MAX_AGE,
      maxStale: MAX_STALE,
      cooldown: COOLDOWN,
      load: (previous) => this.#load(previous),
      random: () => 0.5,
      report: (event) => void this.events.push(event),
    })
  }

  async #load(previous: KeySet | undefined): Promise<KeySet | FetchFailure> {
    this.fetches += 1
    if (this.mode === 'down') return 'status'
    if (this.mode === 'up') return this.#publish(previous)
    if (this.mode === 'slow') {
      return new Promise((resolve) => this.clock.after(1_000, () => resolve(this.#publish(previous))))
    }
    return new Promise((resolve) => this.clock.after(DEADLINE, () => resolve('deadline')))
  }

  #publish(previous: KeySet | undefined): KeySet {
    const kept = (kid: string): KeyRecord | undefined => previous?.find(kid, 'ES256')
    return createKeySet(this.kids.map((kid) => kept(kid) ?? recordOf(kid)))
  }
}

/** A keeper that has its first keys. */
export async function loaded(
  kids: readonly string[] = ['a'],
): Promise<{ endpoint: Endpoint; keeper: JwksKeeper }> {
  const endpoint = new Endpoint()
  endpoint.kids = kids
  const keeper = endpoint.keep()
  await settle()
  return { endpoint, keeper }
}

/** Lets what is under way without a timer end. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

function recordOf(kid: string): KeyRecord {
  return { kid, algorithm: 'ES256', fingerprint: kid, key: undefined as never, retired: false }
}
