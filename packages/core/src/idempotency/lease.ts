import type { Clock } from '../clock.js'

/**
 * Renews a lease every `interval` milliseconds until it is stopped, off the request's path. It gives up when the store
 * says that the claim is somebody else's; a store that fails is asked again.
 *
 * @returns stops it.
 */
export function keepLease(
  clock: Clock,
  interval: number,
  renew: () => Promise<boolean>,
  onFailure: () => void,
): () => void {
  let stopped = false
  let cancel = clock.after(interval, tick)

  function tick(): void {
    void beat()
  }

  async function beat(): Promise<void> {
    let held = true
    try {
      held = await renew()
    } catch {
      // A failure after the end is no news: the record is stored or given up.
      if (!stopped) onFailure()
    }
    if (held && !stopped) cancel = clock.after(interval, tick)
  }

  return () => {
    stopped = true
    cancel()
  }
}
