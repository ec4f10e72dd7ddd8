import type { Server } from 'node:http'
import type { Clock } from '../clock.js'
import type { Connections } from './connections.js'
import type { Readiness } from './readiness.js'

/** How a server stops. */
export interface Drain {
  readonly server: Server
  readonly connections: Connections
  readonly clock: Clock
  readonly readiness: Readiness | undefined
  readonly notice: number
  readonly grace: number
  readonly close: (() => unknown) | undefined
}

/** How much longer than the grace `close` may take. */
const LAST_MOMENT = 1_000

/**
 * Says that it is not ready, goes on accepting for the notice, lets what runs finish within the grace, cuts the
 * rest, and closes what the requests used.
 */
export async function drain(parts: Drain): Promise<void> {
  const { server, connections, clock, readiness, notice, grace, close } = parts
  readiness?.close()
  connections.closeAfterAnswer()
  if (notice > 0) await new Promise<void>((resolve) => void clock.after(notice, resolve))
  const end = clock.now() + grace
  await within(clock, grace, () => connections.finish())
  server.closeAllConnections()
  // It listens no more; this ends the check for slow requests.
  server.close(() => undefined)
  if (close !== undefined) await within(clock, Math.max(0, end - clock.now()) + LAST_MOMENT, close)
}

/** Waits for the work, but no longer than `limit`. */
function within(clock: Clock, limit: number, work: () => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limit, resolve)
    const done = Promise.resolve(work()).then(() => undefined)
    done.finally(cancel).then(resolve, reject)
  })
}
