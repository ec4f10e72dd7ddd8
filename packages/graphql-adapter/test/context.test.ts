import { afterEach, describe, expect, test } from '@jest/globals'
import { createIdentity, type Policy } from '@headgate/core'
import { EventEmitter, once } from 'node:events'
import { rawConnection } from '../../../test-support/http.js'
import type { GraphqlContext } from '../src/context.js'
import { endpoint, read } from './endpoint.js'
import { inventory, type Loaders } from './inventory.js'
import { post, stopAll } from './server.js'

afterEach(stopAll)

describe('errors of resolvers', () => {
  test('an unexpected one loses its text on the way to the client and reaches the service', async () => {
    const { url, errors } = await endpoint()
    const text = await (await post(url, { query: '{ broken }' })).text()
    expect(text).not.toContain('ECONNREFUSED')
    expect(JSON.parse(text)).toMatchObject({
      data: { broken: null },
      errors: [{ message: 'Internal server error', path: ['broken'] }],
    })
    expect(errors).toMatchObject([{ message: 'connect ECONNREFUSED db.internal:5432' }])
  })

  test('an exposed one and a GraphQLError keep theirs', async () => {
    const { url, errors } = await endpoint()
    expect((await read(await post(url, { query: '{ exposed }' }))).errors?.[0]?.message).toBe('Not for you')
    expect(errors).toEqual([])
  })

  test('formatError decides instead', async () => {
    const { url } = await endpoint({ formatError: ({ path }) => ({ message: `at ${path?.join('.')}` }) })
    expect((await read(await post(url, { query: '{ broken }' }))).errors).toEqual([{ message: 'at broken' }])
  })
})

function tenantOf(_: unknown, ctx: { get(name: string): string }): object {
  return { tenant: ctx.get('x-tenant') }
}

describe('the context of resolvers', () => {
  test('loaders are made once for a request and never for two', async () => {
    const stock = inventory()
    const made: object[] = []
    const loaders = (): Loaders => {
      const set = stock.loaders()
      made.push(set)
      return set
    }
    const server = await endpoint({ loaders, rootValue: stock.rootValue })
    const query =
      '{ a: user(id: "u1") { ...F } b: user(id: "u2") { ...F } } fragment F on User { orders { lines { item { name } } } }'
    await Promise.all([post(server.url, { query }), post(server.url, { query })])
    expect(new Set(made).size).toBe(2)
    expect(stock.batches).toEqual([
      ['1', '2'],
      ['1', '2'],
    ])
    await post(server.url, { query: '{ whoami }' })
    expect(made).toHaveLength(2)
  })

  test('context adds members, beside the caller and the signal', async () => {
    const identity = createIdentity({ scheme: 'test', subject: 'u2' })
    const known: Policy = {
      name: 'known',
      stage: 'authenticate',
      handle(exchange, next) {
        exchange.identity = identity
        return next()
      },
    }
    const { schema } = inventory()
    const rootValue = {
      whoami: (_: object, { identity: who, tenant, signal }: GraphqlContext & { tenant: string }) =>
        JSON.stringify([who?.subject, tenant, signal.aborted]),
    }
    const { url } = await endpoint({ schema, rootValue, context: tenantOf }, [known])
    const body = await read(await post(url, { query: '{ whoami }' }, { 'x-tenant': 't1' }))
    expect(body.data).toEqual({ whoami: '["u2","t1",false]' })
  })

  test('context may not replace what the gate says of the caller', async () => {
    const { url, errors } = await endpoint({ context: () => ({ identity: { subject: 'admin' } }) })
    expect((await post(url, { query: '{ whoami }' })).status).toBe(500)
    expect(errors).toMatchObject([{ message: "graphql: context may not set 'identity'; the gate does" }])
  })

  test('what context says with ctx.throw is a GraphQL answer', async () => {
    const { url } = await endpoint({ context: (_, ctx) => ctx.throw(403, 'No tenant') })
    const response = await post(url, { query: '{ whoami }' })
    expect(response.status).toBe(403)
    expect((await read(response)).errors).toEqual([
      { message: 'No tenant', extensions: { code: 'FORBIDDEN' } },
    ])
  })
})

/** Sends a request, waits until its first resolver runs, and hangs up. */
async function leave(query: string, rootValue: object, running: Promise<void>): Promise<void> {
  const { port } = await endpoint({ rootValue })
  const socket = await rawConnection(port)
  const body = JSON.stringify({ query })
  const head = `POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
  socket.write(`${head}\r\n\r\n${body}`)
  await running
  socket.destroy()
}

describe('a client that leaves', () => {
  test('aborts the signal of a query', async () => {
    const started = deferred()
    const aborted = deferred()
    const whoami = (_: object, { signal }: GraphqlContext): Promise<void> => {
      signal.addEventListener('abort', () => aborted.resolve())
      started.resolve()
      return aborted.promise
    }
    await leave('{ whoami }', { whoami }, started.promise)
    await expect(aborted.promise).resolves.toBe(undefined)
  })

  test('does not stop a mutation between two fields', async () => {
    const started = deferred()
    const second = deferred()
    const signIn = async (_: object, { signal }: GraphqlContext): Promise<string> => {
      const gone = once(signal, 'abort')
      started.resolve()
      await gone
      return 'in'
    }
    const removeItem = (): boolean => {
      second.resolve()
      return true
    }
    await leave('mutation { signIn(name: "x") removeItem(id: 1) }', { signIn, removeItem }, started.promise)
    await expect(second.promise).resolves.toBe(undefined)
  })
})

interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

function deferred(): Deferred {
  const events = new EventEmitter()
  return { promise: once(events, 'done').then(() => undefined), resolve: () => void events.emit('done') }
}
