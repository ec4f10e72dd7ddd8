import { describe, expect, test } from '@jest/globals'
import type { Policy, Stage } from '../src/exchange.js'
import type { Answer, Reply } from '../src/reply.js'
import { composeGate } from '../src/gate.js'
import { refuse } from '../src/refusal.js'
import { literalExchange } from '../src/testing/exchange.js'

const answer: Answer = { kind: 'answer', status: 200, headers: {}, body: null }
const handler = (): Promise<Reply> => Promise.resolve(answer)

function policy(name: string, stage?: Stage, more: Partial<Policy> = {}): Policy {
  return { name, ...(stage && { stage }), handle: (_exchange, next) => next(), ...more }
}

describe('a gate', () => {
  test('asks its policies in order, hands the reply back through them, and runs the handler last', async () => {
    const seen: string[] = []
    const noting = (name: string): Policy =>
      policy(name, undefined, {
        async handle(_exchange, next) {
          seen.push(`${name} in`)
          const reply = await next()
          seen.push(`${name} out`)
          return reply
        },
      })
    const gate = composeGate([noting('a'), noting('b')])
    await gate(literalExchange(), async () => {
      seen.push('handler')
      return answer
    })
    expect(seen).toEqual(['a in', 'b in', 'handler', 'b out', 'a out'])
  })

  test('a refusal ends the exchange: neither later policies nor the handler run', async () => {
    const no = refuse('quota-exceeded')
    const gate = composeGate([
      policy('limiter', 'rate-limit', { handle: () => Promise.resolve(no) }),
      policy('later', undefined, { handle: () => Promise.reject(new Error('must not run')) }),
    ])
    await expect(gate(literalExchange(), () => Promise.reject(new Error('must not run')))).resolves.toBe(no)
  })

  test('checks the contract after identity and budget, and before a key is claimed', async () => {
    const seen: string[] = []
    const noting = (name: string, stage: Stage): Policy =>
      policy(name, stage, {
        handle(_exchange, next) {
          seen.push(name)
          return next()
        },
      })
    const gate = composeGate([
      noting('auth', 'authenticate'),
      noting('limit', 'rate-limit'),
      noting('idempotency', 'idempotency'),
      noting('cache', 'cache'),
    ])
    const contract = async (): Promise<undefined> => void seen.push('contract')
    await gate(literalExchange({ operation: { contract } }), handler)
    expect(seen).toEqual(['auth', 'limit', 'contract', 'idempotency', 'cache'])
  })

  test('a contract that is not met leaves no trace in later policies', async () => {
    const refusal = refuse('validation-failed')
    const gate = composeGate([
      policy('idempotency', 'idempotency', { handle: () => Promise.reject(new Error('must not run')) }),
    ])
    const exchange = literalExchange({ operation: { contract: () => Promise.resolve(refusal) } })
    await expect(gate(exchange, handler)).resolves.toBe(refusal)
  })

  test('a second next() of one policy is an error, not a second run of the handler', async () => {
    let runs = 0
    const gate = composeGate([
      policy('double', undefined, {
        async handle(_exchange, next) {
          await next()
          return next()
        },
      }),
    ])
    const run = gate(literalExchange(), () => {
      runs += 1
      return handler()
    })
    await expect(run).rejects.toThrow("gate: 'double' called next() twice")
    expect(runs).toBe(1)
  })

  test('names the policy that forgets to return the reply', async () => {
    const forgetful = policy('forgetful', undefined, {
      handle: async (_exchange, next) => {
        await next()
        return undefined as unknown as Reply
      },
    })
    await expect(composeGate([forgetful])(literalExchange(), handler)).rejects.toThrow(
      "'forgetful' returned no reply",
    )
  })
})

describe('the order of a gate is checked at start-up', () => {
  const auth = policy('authenticate', 'authenticate')
  const limit = policy('rateLimit', 'rate-limit', { needsIdentity: true })
  const limitByAddress = policy('rateLimit', 'rate-limit')
  const idempotency = policy('idempotency', 'idempotency', { needsIdentity: true })
  const cache = policy('cache', 'cache')

  test.each([
    ['all four', [auth, limit, idempotency, cache]],
    ['a limit by address before authentication', [limitByAddress, auth, limit, cache]],
    ['policies without a stage anywhere', [policy('log'), auth, policy('trace'), cache, policy('last')]],
    ['none', []],
  ])('accepts %s', (_name, policies) => {
    expect(() => composeGate(policies)).not.toThrow()
  })

  test.each([
    [
      'a cache before authentication',
      [cache, auth],
      /'authenticate' must stand before 'cache'.*does not know.*order is/s,
    ],
    ['a cache before idempotency', [auth, cache, idempotency], /'idempotency' must stand before 'cache'/],
    [
      'idempotency before the limit',
      [auth, idempotency, limit],
      /'rateLimit' must stand before 'idempotency'/,
    ],
    ['a limit by identity before authentication', [limit, auth], /'rateLimit' needs to know the caller/],
    ['idempotency without authentication', [idempotency], /put authenticate\(\) before it/],
    ['one policy twice', [auth, auth], /'authenticate' stands twice/],
  ])('refuses %s and says why', (_name, policies, message) => {
    expect(() => composeGate(policies)).toThrow(TypeError)
    expect(() => composeGate(policies)).toThrow(message)
  })

  test('an identity from outside stands in for authentication', () => {
    expect(() => composeGate([idempotency, cache], { identityGiven: true })).not.toThrow()
  })

  test.each([[undefined], [null], [{ name: 'x' }], [() => undefined], ['cache']])(
    'refuses %p as a policy',
    (value) => {
      expect(() => composeGate([value as unknown as Policy])).toThrow(/policies\[0\] is not a policy/)
    },
  )
})
