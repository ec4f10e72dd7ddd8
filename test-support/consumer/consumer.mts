import {
  authenticate,
  gate,
  type Identity,
  identityOf,
  jwt,
  memoryStores,
  type Policy,
  rateLimit,
} from '@headgate/core'
import { gateScenarios } from '@headgate/core/testing'
import { graphqlGateway } from '@headgate/graphql-adapter'
import { operation, restGateway } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import { buildSchema } from 'graphql'
import Koa from 'koa'

const { rateLimit: store } = memoryStores()
const policies: readonly Policy[] = [
  authenticate([jwt({ issuer: 'https://id.example', audience: 'api', jwks: { keys: [] } })]),
  rateLimit({ store, quotas: [{ name: 'burst', limit: 10, window: '1s' }] }),
]

const router = new Router()
router.get('/items/:id', operation({ scopes: ['items:read'], cache: { ttl: '1m' } }), (ctx) => {
  const identity: Identity | undefined = identityOf(ctx)
  ctx.body = { id: ctx.params.id, subject: identity?.subject }
})

export const app = new Koa()
app.use(gate(policies))
app.use(restGateway(router, { policies }))
app.use(graphqlGateway({ policies, schema: buildSchema('type Query { a: Int }') }))

export const scenarios = gateScenarios

// @ts-expect-error an option that does not exist is a mistake, not a default
rateLimit({ store, quotas: [], burst: 3 })
// @ts-expect-error a duration has a unit
operation({ cache: { ttl: '1 minute' } })
