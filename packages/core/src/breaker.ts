import type { Clock } from './clock.js'

/** Whether calls are made: all, none, or one to see how it goes. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** When a breaker opens and for how long. */
export interface BreakerInit {
  /** It opens after so many failures in a row. */
  readonly failures: number
  /** How long it stays open at the least, in milliseconds; up to half as much is added at random. */
  readonly cooldown: number
  readonly clock: Clock
  /** A number from 0 up to, but not including, 1. */
  readonly random: () => number
  /** Gets every change. */
  readonly onChange: (state: BreakerState) => void
}

/** Leaves alone what fails. */
export interface Breaker {
  readonly state: BreakerState
  /** Asks for a call: its turn, to be given to `succeeded` or `failed` once; `0` when there is to be no call. */
  enter(): number
  succeeded(turn: number): void
  failed(turn: number): void
}

/**
 * Makes a circuit breaker: closed, open after failures in a row, half-open when its cooldown is over. One call probes
 * then: its success closes the breaker, its failure opens it again.
 *
 * Calls that began before a change say nothing about what came after it: a turn is the number of the state it began in.
 */
export function circuitBreaker({ failures, cooldown, clock, random, onChange }: BreakerInit): Breaker {
  let state: BreakerState = 'closed'
  let era = 1
  let failed = 0
  let probing = false

  const change = (to: BreakerState): void => {
    state = to
    era += 1
    failed = 0
    probing = false
    onChange(to)
  }
  const open = (): void => {
    // Many processes lose the same server at the same moment; they must not come back to it at the same moment.
    clock.after(cooldown * (1 + random() / 2), () => change('half-open'))
    change('open')
  }

  return {
    get state() {
      return state
    },
    enter() {
      if (state === 'closed') return era
      if (state === 'open' || probing) return 0
      probing = true
      return era
    },
    succeeded(turn) {
      if (turn !== era) return
      if (state === 'half-open') change('closed')
      else failed = 0
    },
    failed(turn) {
      if (turn !== era) return
      failed += 1
      if (state === 'half-open' || failed >= failures) open()
    },
  }
}
