import type { Clock } from '../../clock.js'

/**
 * Makes a reading of the time since now that never falls, in milliseconds. A clock that steps back is taken up from
 * where it lands: only the time since the reading before is lost, nothing stands still until it has caught up.
 */
export function elapsedTime(clock: Clock): () => number {
  let last = clock.now()
  let elapsed = 0
  return () => {
    const now = clock.now()
    if (now > last) elapsed += now - last
    last = now
    return elapsed
  }
}
