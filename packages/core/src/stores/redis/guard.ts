import { randomInt } from 'node:crypto'
import { type Clock, systemClock } from '../../clock.js'
import { type Duration, milliseconds } from '../../duration.js'
import { teller } from '../../observer.js'
import { checkFunction, checkInteger, checkKnown, checkMethods } from '../../options.js'
import { StoreUnavailable } from '../unavailable.js'
import { type BreakerState, circuitBreaker } from '../../breaker.js'
import { checkClient, type RedisArgument, type RedisLike } from './client.js'
import { clientWarnings, type RedisClientWarning } from './client-warnings.js'
import { classify } from './failure.js'
import { checkKeys, hasNotRun, type RedisScript, runInFull, runScript } from './script.js'
import {
  type CommonDeadline,
  type Deadlines,
  sharedDeadlines,
  type TimedCall,
} from '../../shared-deadlines.js'

/** Settings of a guarded Redis. */
export interface RedisGuardOptions {
  /** How long a call may take, or calls that belong together. Default 50 ms. */
  readonly deadline?: Duration
  /** After so many failures in a row the server is left alone. Default 5. */
  readonly failures?: number
  /** How long it is left alone at the least, before one call tries again; up to half as much is added. Default 1 s. */
  readonly cooldown?: Duration
  /** The source of time. Default: the machine's clock. */
  readonly clock?: Clock
  /** Spreads the tries of many processes: a number from 0 up to, but not including, 1. Default: a random one. */
  readonly random?: () => number
  /** Gets every event. Default: nobody does. */
  readonly onEvent?: (event: RedisEvent) => void
}

/** The defaults of {@link RedisGuardOptions}; durations in milliseconds. */
export const REDIS_GUARD_DEFAULTS = { deadline: 50, failures: 5, cooldown: 1_000 } as const

/** What a guarded Redis tells observers. */
export type RedisEvent =
  /** At the start: an option of the client may make commands run late. */
  | ({ readonly type: 'redis.client-warning' } & RedisClientWarning)
  /** The server is left alone (`open`), tried (`half-open`), or used again (`closed`). */
  | { readonly type: 'redis.breaker'; readonly state: BreakerState }
  /** What is stored there is none of ours, or from another version. */
  | { readonly type: 'redis.record-unreadable'; readonly key: string }

/** A client whose calls end in time. */
export interface GuardedRedis {
  readonly warnings: readonly RedisClientWarning[]
  /**
   * Runs a script. Never sent twice: a call without an answer may have had its effect.
   *
   * @throws TypeError when the keys don't share a hash tag. Every other failure rejects with {@link StoreUnavailable}.
   */
  run(script: RedisScript, keys: readonly string[], args?: readonly RedisArgument[]): Promise<unknown>
  /**
   * Makes calls that follow each other and together take no longer than one may: `work` makes them with what it gets.
   *
   * @returns what `work` gives.
   */
  together<T>(work: (calls: CallsInTime) => Promise<T>): Promise<T>
}

/** Calls that have one deadline. What is to be done whatever the time is called as ever: by the `run` of the client. */
export interface CallsInTime {
  /** As {@link GuardedRedis.run}. At the deadline the call that is on its way fails, and none is sent after it. */
  readonly run: GuardedRedis['run']
  /** Waits for what goes on by itself, until the deadline. Never rejects. */
  readonly waitFor: (work: Promise<unknown>) => Promise<void>
}

/**
 * Puts a deadline and a breaker around a client. A call that finds no connection fails at once: it never waits in the
 * client's offline queue. The client itself is left as it is. Use one guard for all stores of a client.
 */
export function guardRedis(client: RedisLike, options: RedisGuardOptions = {}): GuardedRedis {
  const redis = checkClient('guardRedis', client)
  const { deadline, failures, cooldown, clock, random, onEvent } = settings(options)
  const report = teller(onEvent)
  const onChange = (state: BreakerState): void => report({ type: 'redis.breaker', state })
  const breaker = circuitBreaker({ failures, cooldown, clock, random, onChange })
  const warnings = clientWarnings(client)
  for (const warning of warnings) report({ type: 'redis.client-warning', ...warning })

  const deadlines = sharedDeadlines(clock, deadline)

  const send = <Call extends TimedCall>(
    timing: Deadlines<Call>,
    turn: number,
    script: RedisScript,
    keys: readonly string[],
    args: readonly RedisArgument[],
  ): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const call = timing.begin(() => {
        reject(new StoreUnavailable('deadline'))
        breaker.failed(turn)
      })
      // What comes after the deadline is dropped, also a rejection: it has its handler.
      const succeed = (reply: unknown): void => {
        if (!timing.end(call)) return
        resolve(reply)
        breaker.succeeded(turn)
      }
      const fail = (error: unknown): void => {
        if (!timing.end(call)) return
        const { kind, isAboutTheCall } = classify(error)
        reject(new StoreUnavailable('error', kind))
        if (isAboutTheCall) breaker.succeeded(turn)
        else breaker.failed(turn)
      }
      runScript(redis, script, keys, args).then(succeed, (error: unknown) => {
        // After the deadline nobody waits for its effect any more.
        if (!call.isOpen || !hasNotRun(error)) fail(error)
        else runInFull(redis, script, keys, args).then(succeed, fail)
      })
    })

  const run = <Call extends TimedCall>(
    timing: Deadlines<Call>,
    script: RedisScript,
    keys: readonly string[],
    args: readonly RedisArgument[],
  ): Promise<unknown> => {
    checkKeys(keys)
    if (client.status !== 'ready' || client.stream?.writable === false) {
      wake(client)
      return Promise.reject(new StoreUnavailable('not-ready'))
    }
    const turn = breaker.enter()
    if (turn === 0) return Promise.reject(new StoreUnavailable('breaker-open'))
    return send(timing, turn, script, keys, args)
  }

  return {
    warnings,
    run: (script, keys, args = []) => run(deadlines, script, keys, args),
    async together(work) {
      const common = deadlines.together()
      try {
        return await work({
          run(script, keys, args = []) {
            if (common.isOver()) return Promise.reject(new StoreUnavailable('deadline'))
            return run(common, script, keys, args)
          },
          waitFor: (others) => waitFor(common, others),
        })
      } finally {
        common.close()
      }
    },
  }
}

function waitFor(common: CommonDeadline, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const call = common.isOver() ? undefined : common.begin(resolve)
    const end = (): void => {
      if (call !== undefined) common.end(call)
      resolve()
    }
    if (call === undefined) end()
    work.then(end, end)
  })
}

/** A lazy client connects with its first command, which is not sent: it would wait in the offline queue. */
function wake(client: RedisLike): void {
  if (client.status !== 'wait') return
  client.connect().catch(() => undefined)
}

const BITS = 2 ** 32

function settings(options: RedisGuardOptions) {
  checkKnown('guardRedis', options, ['deadline', 'failures', 'cooldown', 'clock', 'random', 'onEvent'])
  const all = {
    ...REDIS_GUARD_DEFAULTS,
    clock: systemClock,
    random: () => randomInt(BITS) / BITS,
    ...options,
  }
  checkMethods('guardRedis: clock', all.clock, ['now', 'after'])
  checkFunction('guardRedis: random', all.random)
  if (all.onEvent !== undefined) checkFunction('guardRedis: onEvent', all.onEvent)
  return {
    ...all,
    deadline: milliseconds('guardRedis: deadline', all.deadline),
    cooldown: milliseconds('guardRedis: cooldown', all.cooldown),
    failures: checkInteger('guardRedis: failures', all.failures),
  }
}
