import { expect, test } from '@jest/globals'
import { operation, restGateway } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import { z } from 'zod'
import { serving } from './serve.js'

test('schemas give the handler and the tags their types', async () => {
  const router = new Router<{ user: string }, { log: string[] }>()
  router.put(
    '/items/:id',
    operation({
      params: z.object({ id: z.coerce.number() }),
      query: z.object({ dry: z.stringbool().optional() }),
      body: z.object({ name: z.string() }),
      invalidates: ({ params, body }) => [params.id.toFixed(), body.name.trim()],
    }),
    (ctx) => {
      const id: number = ctx.params.id
      const dry: boolean | undefined = ctx.query.dry
      const name: string = ctx.request.body.name
      // @ts-expect-error the contract has no such member
      expect(ctx.request.body.price).toBeUndefined()
      ctx.body = { id, dry, name }
    },
  )
  await serving([restGateway(router, { policies: [] })], async (send) => {
    const answer = await send('/items/7?dry=yes', { method: 'PUT', json: { name: 'Lamp' } })
    expect(answer.json).toEqual({ id: 7, dry: true, name: 'Lamp' })
  })
})
