import { constants } from 'node:os'
import { systemClock } from '@headgate/core'
import type Koa from 'koa'
import { serve, type ServeOptions, type Serving } from './serve.js'

/** npm forwards Ctrl-C to a process that already got it from the terminal: one key press, two signals. */
const SAME_PRESS_MS = 500

/**
 * Serves an app as this process's only job: SIGTERM or SIGINT drains it and exits with 0, a second one exits at
 * once.
 */
export async function start(app: Koa, options: ServeOptions = {}): Promise<Serving> {
  const { clock = systemClock } = options
  const serving = await serve(app, options)
  let stoppedAt: number | undefined

  const stop = (signal: 'SIGTERM' | 'SIGINT'): void => {
    if (stoppedAt === undefined) {
      stoppedAt = clock.now()
      console.log(
        `${signal}: requests in flight finish, then the server stops. A second signal stops it now.`,
      )
      void serving.drain().then(() => process.exit(0))
    } else if (signal === 'SIGTERM' || clock.now() - stoppedAt > SAME_PRESS_MS) {
      process.exit(128 + constants.signals[signal])
    }
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  return serving
}
