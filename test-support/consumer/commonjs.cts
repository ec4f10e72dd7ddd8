// TypeScript sees the ESM and the CommonJS types of @koa/router as two classes: a router of either must do.
import { gate } from '@headgate/core'
import { operation, rest, restGateway } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import Koa = require('koa')

const router = new Router()
router.get('/items/:id', operation({ cost: 2 }), (ctx) => void (ctx.body = ctx.params.id))

export const app = new Koa()
app.use(gate([], { channels: [rest(router)] }))
app.use(restGateway(router, { policies: [] }))
