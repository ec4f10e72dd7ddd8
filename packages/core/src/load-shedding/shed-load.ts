import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import type { Exchange, Policy } from '../exchange.js'
import { checkChoice, checkFunction, checkInteger, checkKnown, checkMethods } from '../options.js'
import { refuse } from '../refusal.js'
import { whenSent } from '../sent.js'
import type { LoadPriority } from './events.js'
import { type EventLoopGauge, eventLoopGauge } from './event-loop-gauge.js'

/** Settings of {@link shedLoad}. At least one of `maxInFlight` and `maxDelay`. */
export interface ShedLoadOptions {
  /** So many requests in flight are all this process can take. Default: they are not counted. */
  readonly maxInFlight?: number
  /** So late the event loop may be at the most. Default: it is not measured. */
  readonly maxDelay?: Duration
  /** How dear a request is. Default: all are `normal`. */
  readonly priority?: (exchange: Exchange) => LoadPriority
  /** How late the event loop is. Default: measured by a timer. */
  readonly gauge?: EventLoopGauge
  /** When refused clients may come back, at the earliest. Default 2 s. */
  readonly retryAfter?: Duration
  /** The source of time. Default: the machine's clock. */
  readonly clock?: Clock
}

/** What `shedLoad` does where nothing is said. */
export const SHED_LOAD_DEFAULTS = { retryAfter: 2_000 } as const

/** The part of the bounds at which a class is refused: what is left above it is kept for the classes over it. */
const SHED_LOAD_LEVELS: Readonly<Record<LoadPriority, number>> = { low: 0.5, normal: 0.8, critical: 1 }
const PRIORITIES = ['low', 'normal', 'critical'] as const

/**
 * Refuses requests that this process has no room for, whatever their budgets are: `overloaded` (503). It asks no store;
 * put it first.
 *
 * @throws TypeError that names the option that is wrong.
 */
export function shedLoad(options: ShedLoadOptions): Policy {
  const { maxInFlight, maxDelay, priority, gauge, retryAfter } = checkOptions(options)
  let inFlight = 0
  const leave = (): void => void (inFlight -= 1)

  return {
    name: 'load-shedding',
    async handle(exchange, next) {
      const delay = gauge?.delay() ?? 0
      const pressure = Math.max(inFlight / maxInFlight, delay / maxDelay)
      if (pressure >= SHED_LOAD_LEVELS.low) {
        const rank = checkChoice('shedLoad: what priority returns', priority(exchange), PRIORITIES)
        if (pressure >= SHED_LOAD_LEVELS[rank]) {
          exchange.report({ type: 'load.shed', priority: rank, inFlight, delay })
          return refuse('overloaded', { headers: { 'retry-after': retryAfter } })
        }
      }
      inFlight += 1
      try {
        const reply = await next()
        whenSent(reply, leave)
        return reply
      } catch (error) {
        leave()
        throw error
      }
    },
  }
}

function checkOptions(options: ShedLoadOptions) {
  checkKnown('shedLoad', options, ['maxInFlight', 'maxDelay', 'priority', 'gauge', 'retryAfter', 'clock'])
  const all = { ...SHED_LOAD_DEFAULTS, clock: systemClock, priority: normal, ...options }
  if (all.maxInFlight === undefined && all.maxDelay === undefined) {
    throw new TypeError('shedLoad needs maxInFlight or maxDelay')
  }
  checkMethods('shedLoad: clock', all.clock, ['now', 'after'])
  checkFunction('shedLoad: priority', all.priority)
  if (all.gauge !== undefined) checkMethods('shedLoad: gauge', all.gauge, ['delay'])
  const measured = all.maxDelay !== undefined
  return {
    maxInFlight:
      all.maxInFlight === undefined ? Infinity : checkInteger('shedLoad: maxInFlight', all.maxInFlight),
    maxDelay: all.maxDelay === undefined ? Infinity : milliseconds('shedLoad: maxDelay', all.maxDelay),
    priority: all.priority,
    gauge: measured ? (all.gauge ?? eventLoopGauge(all.clock)) : undefined,
    retryAfter: String(Math.ceil(milliseconds('shedLoad: retryAfter', all.retryAfter) / 1_000)),
  }
}

function normal(): LoadPriority {
  return 'normal'
}
