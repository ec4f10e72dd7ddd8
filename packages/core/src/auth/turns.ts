import type { Clock } from '../clock.js'

/** Lets work of one key through, as much at a time as there is room for. */
export interface Turns {
  /**
   * Runs `work` when there is room for it beside what runs for the same key.
   *
   * @param room how much may run now: asked again after a `work` that used some of it.
   * @param work gives its result, and whether it used up room.
   * @returns the result; `full` when there is no room at all; `late` when others held it for too long.
   */
  take<T>(
    key: string,
    room: () => Promise<number>,
    work: () => Promise<{ readonly result: T; readonly used: boolean }>,
  ): Promise<{ readonly result: T } | 'full' | 'late'>
}

/** Who is there for one key. */
interface Line {
  /** Work that runs, which may use up room when it ends, and those who are called. */
  running: number
  /** How much was used up since the line formed: room that was read before is no longer true. */
  used: number
  /** Callers in the line, running or not: the last one takes it down. */
  callers: number
  /** Calls the first one who waits. */
  readonly waiting: Set<() => void>
}

/** Makes turns. Nothing is kept of a key for which nothing runs. */
export function takeTurns(clock: Clock, longestWait: number): Turns {
  const lines = new Map<string, Line>()

  return {
    async take(key, room, work) {
      const line = join(key)
      try {
        const turn = await enter(line, room)
        if (turn !== 'entered') return turn
        try {
          const { result, used } = await work()
          if (used) line.used += 1
          return { result }
        } finally {
          line.running -= 1
        }
      } finally {
        leave(key, line)
      }
    },
  }

  function join(key: string): Line {
    let line = lines.get(key)
    if (line === undefined) {
      line = { running: 0, used: 0, callers: 0, waiting: new Set() }
      lines.set(key, line)
    }
    line.callers += 1
    return line
  }

  /** Whoever leaves, served or not, calls the next: as long as someone waits, someone runs who will call. */
  function leave(key: string, line: Line): void {
    line.callers -= 1
    if (line.callers === 0) lines.delete(key)
    callNext(line)
  }

  async function enter(line: Line, room: () => Promise<number>): Promise<'entered' | 'full' | 'late'> {
    let ends: number | undefined
    let isCalled = false
    try {
      for (;;) {
        const { used } = line
        const free = await room()
        // What was read holds until some of it is used up.
        while (line.used === used) {
          if (isCalled) line.running -= 1
          isCalled = false
          if (free <= 0) return 'full'
          if (line.running < free) {
            line.running += 1
            if (line.running < free) callNext(line)
            return 'entered'
          }
          ends ??= clock.now() + longestWait
          isCalled = await waitForCall(line, Math.min(longestWait, ends - clock.now()))
          if (!isCalled) return 'late'
        }
      }
    } finally {
      if (isCalled) line.running -= 1
    }
  }

  function waitForCall({ waiting }: Line, longest: number): Promise<boolean> {
    if (longest <= 0) return Promise.resolve(false)
    return new Promise((resolve) => {
      const cancel = clock.after(longest, () => {
        waiting.delete(call)
        resolve(false)
      })
      const call = (): void => {
        waiting.delete(call)
        cancel()
        resolve(true)
      }
      waiting.add(call)
    })
  }
}

/** Whoever is called counts as running until they decide: nobody who comes now may take their place. */
function callNext(line: Line): void {
  const [next] = line.waiting
  if (next === undefined) return
  line.running += 1
  next()
}
