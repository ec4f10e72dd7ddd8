import { constants } from 'node:os'
import type { Clock } from '../clock.js'

/** Why a process stops. */
export type StopCause = 'SIGTERM' | 'SIGINT' | 'uncaughtException'

/** npm forwards Ctrl-C to a process that already got it from the terminal: one key press, two signals. */
const SAME_PRESS = 500

/** Ends the process with the drain: 0 after a signal, 1 after an error that nobody caught. */
export function ownProcess(
  drain: () => Promise<void>,
  clock: Clock,
  onStopping: (cause: StopCause, error?: unknown) => void = printError,
): void {
  let stoppedAt: number | undefined

  const stop = (cause: StopCause, exitCode: number, error?: unknown): void => {
    stoppedAt = clock.now()
    void drain().then(
      () => process.exit(exitCode),
      () => process.exit(1),
    )
    onStopping(cause, error)
  }
  const onSignal = (signal: 'SIGTERM' | 'SIGINT'): void => {
    if (stoppedAt === undefined) stop(signal, 0)
    else if (signal === 'SIGTERM' || clock.now() - stoppedAt > SAME_PRESS) {
      process.exit(128 + constants.signals[signal])
    }
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  // Nobody knows what the error left half done: what runs may finish, nothing new begins, a second one is the end.
  process.on('uncaughtException', (error) => {
    if (stoppedAt === undefined) stop('uncaughtException', 1, error)
    else process.exit(1)
  })
}

function printError(_cause: StopCause, error?: unknown): void {
  if (error !== undefined) console.error(error)
}
