import type { Clock } from '../../clock.js'

/** The deadlines of one client's calls. */
export interface SharedDeadlines {
  /** @param expire called once at the deadline of a call that has not ended. */
  begin(expire: () => void): TimedCall
  /** Ends a call. False when it had ended before. */
  end(call: TimedCall): boolean
}

/** A call that must end in time. */
export interface TimedCall {
  isOpen: boolean
  readonly expire: () => void
  readonly batch: Batch
}

/** Calls that began at the same moment. */
interface Batch {
  readonly calls: TimedCall[]
  /** How many have not ended. */
  open: number
  readonly cancel: () => void
}

/**
 * Makes deadlines, all of one duration. Calls that begin together share a timer: where many are in flight their replies
 * come by the dozen, and so do the calls that follow.
 */
export function sharedDeadlines(clock: Clock, duration: number): SharedDeadlines {
  let current: Batch | undefined

  const open = (): Batch => {
    const calls: TimedCall[] = []
    const cancel = clock.after(duration, () => {
      // When this process was busy for as long as the deadline, timers run before what has arrived is read. One look at
      // the sockets first: else our own pause would look like a dead server.
      for (const call of calls) if (call.isOpen) setImmediate(expireCall, call)
    })
    const batch: Batch = { calls, open: 0, cancel }
    queueMicrotask(() => {
      current = undefined
      if (batch.open === 0) cancel()
    })
    return batch
  }

  return {
    begin(expire) {
      const batch = (current ??= open())
      const call: TimedCall = { isOpen: true, expire, batch }
      batch.calls.push(call)
      batch.open += 1
      return call
    },
    end(call) {
      if (!call.isOpen) return false
      call.isOpen = false
      const { batch } = call
      batch.open -= 1
      if (batch.open === 0 && batch !== current) batch.cancel()
      return true
    },
  }
}

function expireCall(call: TimedCall): void {
  if (!call.isOpen) return
  call.isOpen = false
  call.expire()
}
