import { expect, test } from '@jest/globals'
import { dpop } from '../../../src/auth/dpop/dpop.js'
import { introspection } from '../../../src/auth/introspection/introspection.js'
import { memoryReplayStore } from '../../../src/stores/memory/replay.js'
import { literalExchange } from '../../../src/testing/exchange.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { ACTIVE, ENDPOINT, START, TOKEN } from '../introspection/server.js'
import { createClient, present, prove, said } from './proofs.js'

async function opaque(answer: object) {
  const clock = new ManualClock(START)
  let asked = 0
  const token = introspection({
    endpoint: ENDPOINT,
    client: { id: 'gate', secret: 'sesame' },
    audience: 'https://api.example',
    clock,
    fetch: async () => {
      asked += 1
      return Response.json({ ...ACTIVE, ...answer })
    },
  })
  const scheme = dpop({ token, replay: memoryReplayStore({ clock }), origin: 'https://api.example', clock })
  return { token, scheme, asked: () => asked }
}

test.each(['DPoP', 'Bearer', undefined])(
  'an opaque token of type %s that the server calls bound needs the proof, each time',
  async (type) => {
    const client = await createClient()
    const { token, scheme, asked } = await opaque({ cnf: client.cnf, token_type: type })
    const proof = await prove(client, TOKEN)
    expect(said(await present(scheme, TOKEN, proof))).toBe('accepted')
    expect(said(await present(scheme, TOKEN, proof))).toBe('replayed DPoP.jti')
    expect(said(await present(scheme, TOKEN, []))).toBe('binding-failed DPoP')
    expect(said(await present(scheme, TOKEN, await prove(await createClient(), TOKEN)))).toBe(
      'binding-failed cnf.jkt',
    )
    expect(said(await token.verify(TOKEN, literalExchange()))).toBe('binding-failed cnf')
    expect(asked()).toBe(1)
  },
)

test('an opaque token that is not bound is no DPoP token', async () => {
  const client = await createClient()
  const { scheme } = await opaque({})
  expect(said(await present(scheme, TOKEN, await prove(client, TOKEN)))).toBe('binding-failed cnf')
})

test('a token that is called DPoP and says no key, or is another kind of token, is of no use', async () => {
  const client = await createClient()
  for (const answer of [{ token_type: 'DPoP' }, { token_type: 'refresh_token', cnf: client.cnf }]) {
    const { token, scheme } = await opaque(answer)
    expect(said(await present(scheme, TOKEN, await prove(client, TOKEN)))).toBe('wrong-type token_type')
    expect(said(await token.verify(TOKEN, literalExchange()))).toBe('wrong-type token_type')
  }
})

test('the server is not asked about a token without a proof that fits in form', async () => {
  const { scheme, asked } = await opaque({})
  for (const lines of [[], 'junk', ['a.b.c', 'd.e.f']]) await present(scheme, TOKEN, lines)
  expect(asked()).toBe(0)
})
