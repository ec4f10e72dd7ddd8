// The packed gateway, as a user's project imports it: both protocols behind one gate must answer.
import { equal, match } from 'node:assert/strict'
import { once } from 'node:events'
import {
  apiKey,
  apiKeyDigest,
  authenticate,
  cache,
  gate,
  idempotency,
  memoryApiKeys,
  memoryStores,
  rateLimit,
} from '@headgate/core'
import { ManualClock } from '@headgate/core/testing'
import { graphql } from '@headgate/graphql-adapter'
import { operation, rest } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import { buildSchema } from 'graphql'
import Koa from 'koa'

const KEY = 'packed_0123456789abcdef'
const clock = new ManualClock()
const stores = memoryStores({ clock })
const lookup = memoryApiKeys([
  { digest: apiKeyDigest(KEY), keyId: 'one', subject: 'ann', scopes: ['items:write'] },
])
const policies = [
  authenticate([apiKey({ lookup, clock })]),
  rateLimit({ store: stores.rateLimit, quotas: [{ name: 'burst', limit: 100, window: '1m' }] }),
  idempotency({ store: stores.idempotency, clock }),
  cache({ store: stores.cache, clock }),
]

let made = 0
const router = new Router()
router.post('/items', operation({ scopes: ['items:write'] }), (ctx) => {
  made += 1
  ctx.status = 201
  ctx.body = { made }
})
const schema = buildSchema('type Query { hello: String! }')
const channels = [graphql({ schema, rootValue: { hello: () => 'world' } }), rest(router)]

const server = new Koa().use(gate(policies, { channels })).listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${server.address().port}`

try {
  equal((await fetch(`${url}/items`, { method: 'POST' })).status, 401)
  const headers = { 'x-api-key': KEY, 'idempotency-key': 'order-1' }
  for (const replayed of [null, 'true']) {
    const answer = await fetch(`${url}/items`, { method: 'POST', headers })
    equal(answer.status, 201)
    equal(answer.headers.get('idempotent-replayed'), replayed)
    match(answer.headers.get('ratelimit') ?? '', /^"burst";r=/)
    equal(await answer.text(), '{"made":1}')
  }
  const answer = await fetch(`${url}/graphql?query={hello}`, { headers: { 'x-api-key': KEY } })
  equal(await answer.text(), '{"data":{"hello":"world"}}')
} finally {
  server.close()
  server.closeAllConnections()
}
