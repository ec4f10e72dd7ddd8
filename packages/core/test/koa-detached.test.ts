import { afterEach, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { Context, Middleware } from 'koa'
import { deferred } from '../../../test-support/deferred.js'
import { rawConnection } from '../../../test-support/http.js'
import { closeApps, startApp as start } from '../../../test-support/koa.js'
import type { Policy } from '../src/exchange.js'
import { gate } from '../src/koa.js'

afterEach(closeApps)

function policy(handle: Policy['handle']): Policy {
  return { name: 'test', handle }
}

const outer: Middleware = (ctx, next) => {
  ctx.set('X-Outer', 'outer')
  return next()
}

describe('detached work', () => {
  const detaching = policy((exchange, next) => exchange.detached(next))

  test('answers the client as if it were not detached', async () => {
    const { url } = await start(outer, gate([detaching]), (ctx) => {
      ctx.status = 201
      ctx.set('X-Handler', '1')
      ctx.body = { made: true }
    })
    const answer = await fetch(url, { method: 'POST' })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('x-handler')).toBe('1')
    expect(answer.headers.get('x-outer')).toBe('outer')
    expect(await answer.json()).toEqual({ made: true })
  })

  test('goes on when the client leaves: neither its signal nor its stream ends', async () => {
    const entered = deferred<Context>()
    const finished = deferred<string>()
    const goOn = deferred<void>()
    const collecting = policy((exchange, next) =>
      exchange.detached(async () => {
        const reply = await next()
        if (reply.kind === 'answer' && reply.body instanceof Readable) {
          const chunks: string[] = []
          for await (const chunk of reply.body) chunks.push(String(chunk))
          finished.resolve(`${chunks.join('')} ${exchange.signal.aborted}`)
        }
        return reply
      }),
    )
    const { port } = await start(gate([collecting]), async (ctx) => {
      entered.resolve(ctx)
      await goOn.promise
      ctx.body = Readable.from(['all ', 'of it'])
    })
    const socket = await rawConnection(port)
    socket.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n')
    const ctx = await entered.promise
    const closed = once(ctx.req.socket, 'close')
    socket.destroy()
    await closed
    goOn.resolve()
    expect(await finished.promise).toBe('all of it false')
  })

  test('an error in it reaches Koa on the real response', async () => {
    const { url } = await start(gate([detaching]), () => {
      throw new Error('boom')
    })
    expect((await fetch(url)).status).toBe(500)
  })
})
