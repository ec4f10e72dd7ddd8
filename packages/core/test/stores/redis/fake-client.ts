import {
  guardRedis,
  type RedisEvent,
  type RedisGuardOptions,
  redisScript,
  type RedisLike,
} from '../../../src/stores/redis/index.js'
import { ManualClock } from '../../../src/testing/index.js'

export const SCRIPT = redisScript('return 1')
export const KEYS = ['{tag}:a']

/** A client whose replies the test gives, one per command. */
export class FakeClient implements RedisLike {
  status = 'ready'
  readonly stream = { writable: true }
  options: object = {}
  connects = 0
  readonly sent: { command: string; words: readonly unknown[]; reply: PromiseWithResolvers<unknown> }[] = []

  connect() {
    this.connects += 1
    this.status = 'connecting'
    return Promise.reject(new Error('nobody there'))
  }
  evalsha(...words: unknown[]) {
    return this.#send('evalsha', words)
  }
  eval(...words: unknown[]) {
    return this.#send('eval', words)
  }
  evalshaBuffer(...words: unknown[]) {
    return this.#send('evalshaBuffer', words)
  }
  evalBuffer(...words: unknown[]) {
    return this.#send('evalBuffer', words)
  }
  #send(command: string, words: unknown[]) {
    const reply = withResolvers()
    this.sent.push({ command, words, reply })
    return reply.promise
  }
}

export interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

function withResolvers(): PromiseWithResolvers<unknown> {
  let settle: Pick<PromiseWithResolvers<unknown>, 'resolve' | 'reject'> | undefined
  const promise = new Promise((resolve, reject) => (settle = { resolve, reject }))
  return { promise, ...settle! }
}

/** An error as ioredis makes it: it holds the command. */
export function replyError(message: string): Error {
  return Object.assign(new Error(message), {
    name: 'ReplyError',
    command: { name: 'evalsha', args: ['secret-argument'] },
  })
}

export function setUp(options: RedisGuardOptions = {}) {
  const clock = new ManualClock()
  const client = new FakeClient()
  const events: RedisEvent[] = []
  const redis = guardRedis(client, {
    clock,
    random: () => 0,
    onEvent: (event) => events.push(event),
    ...options,
  })
  const run = () => redis.run(SCRIPT, KEYS)
  /** Makes a call and gives it its reply. */
  const fail = async (error: Error) => {
    const call = run()
    client.sent.at(-1)?.reply.reject(error)
    return call.catch((caught: unknown) => caught)
  }
  return { clock, client, events, redis, run, fail }
}

export const settled = () => new Promise((resolve) => setImmediate(resolve))
