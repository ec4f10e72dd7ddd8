// @ts-check
/// <reference types="node" />
/** Serves each contestant on a port of its own, and tells what of the processor this process has used. */
import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import Koa from 'koa'
import { contestants } from './gate-contestants.mjs'

const [issuer = '', audience = '', pem = ''] = process.argv.slice(2)
const ITEM = { id: 42, name: 'Sluice gate', price: 129.5, category: 'water', status: 'active' }

const ports = []
for (const { middleware } of contestants({ issuer, audience, publicKey: createPublicKey(pem) })) {
  const app = new Koa()
  for (const each of middleware) app.use(each)
  app.use((ctx) => {
    if (ctx.path === '/kept') ctx.set('cache-control', 'max-age=3600')
    ctx.body = ITEM
  })
  const handle = app.callback()
  const server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ports.push(/** @type {import('node:net').AddressInfo} */ (server.address()).port)
}
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.(user + system)
})
process.on('disconnect', () => process.exit())
process.send?.(ports)
