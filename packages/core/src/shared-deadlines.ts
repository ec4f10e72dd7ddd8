import type { Clock } from './clock.js'

/** A call that must end in time. */
export interface TimedCall {
  isOpen: boolean
  readonly expire: () => void
}

/** Times calls. */
export interface Deadlines<Call extends TimedCall = TimedCall> {
  /** @param expire called once at the deadline of a call that has not ended. */
  begin(expire: () => void): Call
  /** Ends a call. False when it had ended before. */
  end(call: Call): boolean
}

/** The deadlines of one client's calls. */
export interface SharedDeadlines extends Deadlines<BatchedCall> {
  /** One deadline, from now on, for calls that follow each other. */
  together(): CommonDeadline
}

/** One deadline for several calls. To be closed when nobody waits for them any more. */
export interface CommonDeadline extends Deadlines {
  /** It has passed, or was closed: no call is to begin. */
  isOver(): boolean
  close(): void
}

/** Calls that began at the same moment. */
interface Batch {
  readonly calls: TimedCall[]
  /** How many have not ended. */
  open: number
  readonly cancel: () => void
}

interface BatchedCall extends TimedCall {
  readonly batch: Batch
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

  const deadlines: Deadlines<BatchedCall> = {
    begin(expire) {
      const batch = (current ??= open())
      const call = { isOpen: true, expire, batch }
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
  return { ...deadlines, together: () => commonDeadline(deadlines) }
}

/** All calls of one deadline are one call to those who share timers. */
function commonDeadline(deadlines: Deadlines<BatchedCall>): CommonDeadline {
  const calls: TimedCall[] = []
  let isClosed = false
  const whole = deadlines.begin(() => {
    for (const call of calls) expireCall(call)
  })
  return {
    // Not a getter: to make an object with one takes 2 us (Node 20).
    isOver: () => isClosed || !whole.isOpen,
    begin(expire) {
      const call = { isOpen: true, expire }
      calls.push(call)
      return call
    },
    end(call) {
      if (!call.isOpen) return false
      call.isOpen = false
      return true
    },
    close() {
      isClosed = true
      // A call that nobody waits for any more ends in time all the same: a breaker may wait for how it went.
      if (!calls.some(isStillOpen)) deadlines.end(whole)
    },
  }
}

function isStillOpen({ isOpen }: TimedCall): boolean {
  return isOpen
}

function expireCall(call: TimedCall): void {
  if (!call.isOpen) return
  call.isOpen = false
  call.expire()
}
