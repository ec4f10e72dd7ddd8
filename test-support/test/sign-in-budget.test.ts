import { afterEach, expect, test } from '@jest/globals'
import { exchangeOf, gate, memoryRateLimitStore, rateLimit } from '@headgate/core'
import { graphql, type GraphqlContext } from '@headgate/graphql-adapter'
import { operation, rest } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import { buildSchema } from 'graphql'
import { closeApps, startApp } from '../koa.js'

afterEach(closeApps)

const leftIn = (reply: Response): number => Number(/r=(\d+)/.exec(reply.headers.get('ratelimit') ?? '')?.[1])

/** Twenty units at once, of which a sign-in that fails takes five, over whichever protocol. */
async function service() {
  const signIn = { cost: 5, quotas: ['login'] }
  const limits = rateLimit({
    store: memoryRateLimitStore(),
    quotas: [{ name: 'login', limit: 20, window: '1d', burst: 20, key: 'ip', declared: true }],
  })
  const router = new Router()
  router.post('/sessions', operation(signIn), (ctx) => {
    const exchange = exchangeOf(ctx)
    if (exchange !== undefined && ctx.query['password'] === 'right') exchange.spent = 1
    ctx.body = 'answered'
  })
  const schema = buildSchema(
    'type Query { hello: String } type Mutation { signIn(password: String): Boolean }',
  )
  const rootValue = {
    hello: 'hello',
    signIn({ password }: { password: string }, { exchange }: GraphqlContext) {
      if (password === 'right') exchange.spent = 1
      return password === 'right'
    },
  }
  const channels = [graphql({ schema, rootValue, rules: { 'Mutation.signIn': signIn } }), rest(router)]
  const { url } = await startApp(gate([limits], { channels }))
  return {
    byRest: async (password: string) => {
      const reply = await fetch(`${url}/sessions?password=${password}`, { method: 'POST' })
      return { status: reply.status, left: leftIn(reply) }
    },
    byGraphql: async (...passwords: readonly string[]) => {
      const fields = passwords.map((password, index) => `a${index}: signIn(password: "${password}")`)
      const reply = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: `mutation { ${fields.join(' ')} }` }),
      })
      return { status: reply.status, left: leftIn(reply) }
    },
  }
}

test('sign-ins over REST and GraphQL take from one budget, each alias as much as a request', async () => {
  const { byRest, byGraphql } = await service()
  expect(await byRest('a guess')).toEqual({ status: 200, left: 15 })
  expect(await byGraphql('two', 'guesses')).toEqual({ status: 200, left: 5 })
  expect(await byGraphql('two', 'more')).toMatchObject({ status: 429 })
  expect(await byRest('a guess')).toEqual({ status: 200, left: 0 })
  expect(await byRest('right')).toMatchObject({ status: 429 })
  expect(await byGraphql('right')).toMatchObject({ status: 429 })
})

test('one that succeeds gives back what it did not cost, over both', async () => {
  const { byRest, byGraphql } = await service()
  for (let left = 15; left >= 0; left -= 1) {
    expect(await (left % 2 === 0 ? byRest('right') : byGraphql('right'))).toEqual({ status: 200, left })
  }
  expect((await byRest('right')).status).toBe(429)
})
