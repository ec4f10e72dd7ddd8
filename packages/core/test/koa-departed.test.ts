import { afterEach, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { deferred } from '../../../test-support/deferred.js'
import { rawConnection } from '../../../test-support/http.js'
import { closeApps, startApp } from '../../../test-support/koa.js'
import type { Policy } from '../src/exchange.js'
import { exchangeOf, gate } from '../src/koa.js'
import { ManualClock } from '../src/testing/manual-clock.js'

afterEach(closeApps)

const REQUEST = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'

describe('requests in one connection that its client leaves', () => {
  test('are all told, and their streams closed, also those behind the first', async () => {
    const clock = new ManualClock()
    const [begun, aborted, closed] = [deferred<void>(), deferred<void>(), deferred<void>()]
    const counts = { begun: 0, aborted: 0, closed: 0 }
    const count = (what: keyof typeof counts, all: typeof begun) => (): void => {
      counts[what] += 1
      if (counts[what] === 4) all.resolve()
    }
    const { port } = await startApp(gate([], { clock }), (ctx) => {
      exchangeOf(ctx)?.signal.addEventListener('abort', count('aborted', aborted))
      const events = new Readable({ read() {} })
      events.push('data: first\n\n')
      events.once('close', count('closed', closed))
      ctx.body = events
      setImmediate(count('begun', begun))
    })
    const socket = await rawConnection(port)
    socket.write(REQUEST.repeat(4))
    await begun.promise
    socket.destroy()
    await aborted.promise
    await closed.promise
    await clock.advance(1_000)
    expect(clock.pending).toBe(0) // nothing of them is watched any more
  })

  test('are told also where it was left before they came to the gate', async () => {
    const [arrived, left, told] = [deferred<void>(), deferred<void>(), deferred<boolean | undefined>()]
    let requests = 0
    const { port } = await startApp(
      async (ctx, next) => {
        requests += 1
        ctx.req.socket.once('close', left.resolve)
        if (requests === 1) return void (ctx.body = new Readable({ read() {} }))
        arrived.resolve()
        await left.promise
        return next()
      },
      gate([]),
      async (ctx) => {
        const signal = exchangeOf(ctx)?.signal
        if (signal?.aborted === false) await once(signal, 'abort')
        told.resolve(signal?.aborted)
      },
    )
    const socket = await rawConnection(port)
    socket.write(REQUEST.repeat(2))
    await arrived.promise
    socket.destroy()
    expect(await told.promise).toBe(true)
  })
})

describe('the signal of an exchange', () => {
  test('is aborted', async () => {
    expect(await afterwards({ name: 'none', handle: (_exchange, next) => next() })).toBe(true)
  })

  test('is not, where the handler runs detached from its client', async () => {
    const detaching: Policy = {
      name: 'detaching',
      handle: (exchange, next) => exchange.detached(next),
    }
    expect(await afterwards(detaching)).toBe(false)
  })
})

/** What it says to a handler that asks for it when its client has left. */
async function afterwards(policy: Policy): Promise<boolean | undefined> {
  const [arrived, left, told] = [deferred<void>(), deferred<void>(), deferred<boolean | undefined>()]
  const { port } = await startApp(
    (ctx, next) => {
      ctx.res.once('close', left.resolve)
      return next()
    },
    gate([policy]),
    async (ctx) => {
      arrived.resolve()
      await left.promise
      told.resolve(exchangeOf(ctx)?.signal.aborted)
    },
  )
  const socket = await rawConnection(port)
  socket.write(REQUEST)
  await arrived.promise
  socket.destroy()
  return told.promise
}
