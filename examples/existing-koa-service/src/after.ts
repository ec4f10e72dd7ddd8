import { randomUUID } from 'node:crypto'
import { json } from 'node:stream/consumers'
import {
  apiKey,
  type ApiKeyLookup,
  authenticate,
  cache,
  gate,
  idempotency,
  memoryStores,
  rateLimit,
} from '@headgate/core'
import { Router } from '@koa/router'
import Koa, { type Context } from 'koa'

interface Booking {
  readonly id: string
  readonly room: string
  readonly guest: string
}

/** Takes bookings for rooms. */
export function createApp(apiKeys: ApiKeyLookup): Koa {
  const app = new Koa()
  const stores = memoryStores()
  app.use(
    gate([
      authenticate([apiKey({ lookup: apiKeys })]),
      rateLimit({ store: stores.rateLimit, quotas: [{ name: 'caller', limit: 100, window: '1m' }] }),
      idempotency({ store: stores.idempotency }),
      cache({ store: stores.cache }),
    ]),
  )
  app.use(bookingRoutes().routes())
  return app
}

function bookingRoutes(): Router {
  const bookings = new Map<string, Booking>()
  const router = new Router()

  router.post('/bookings', async (ctx) => {
    const booking = { id: randomUUID(), ...(await readBooking(ctx)) }
    bookings.set(booking.id, booking)
    ctx.status = 201
    ctx.set('Location', `/bookings/${booking.id}`)
    ctx.body = booking
  })

  router.get('/bookings/:id', (ctx) => {
    ctx.body = bookings.get(ctx.params['id'] ?? '') ?? ctx.throw(404, 'There is no such booking.')
    ctx.set('Cache-Control', 'private, max-age=60')
  })

  router.delete('/bookings/:id', (ctx) => {
    if (!bookings.delete(ctx.params['id'] ?? '')) ctx.throw(404, 'There is no such booking.')
    ctx.status = 204
  })

  return router
}

async function readBooking(ctx: Context): Promise<Omit<Booking, 'id'>> {
  const { room, guest } = await readJson(ctx)
  if (typeof room === 'string' && typeof guest === 'string') return { room, guest }
  return ctx.throw(422, 'A booking needs a room and a guest.')
}

async function readJson(ctx: Context): Promise<Record<string, unknown>> {
  try {
    return Object(await json(ctx.req))
  } catch {
    return ctx.throw(400, 'The body is not JSON.')
  }
}
