// @ts-check
/// <reference types="node" />
/**
 * One process of several: a gateway of bound tokens on the Redis of all. It runs the built packages, as processes do, and
 * tells its parent the port.
 */
import { createServer } from 'node:http'
import { REDIS_OPTIONS, redisStores } from '@headgate/core/redis'
import { Redis } from 'ioredis'
import Koa from 'koa'
import { boundGateway } from './gateway.mjs'

/** @type {{ redis: number } & Pick<import('./gateway.mjs').BoundGatewayInit, 'issuer' | 'audience' | 'keys'>} */
const { redis, ...init } = JSON.parse(process.argv[2] ?? '')

const client = new Redis(redis, '127.0.0.1', { ...REDIS_OPTIONS, retryStrategy: () => 50 })
client.on('error', () => undefined)
await new Promise((resolve) => void client.once('ready', () => resolve(undefined)))

// A machine that is busy must not look like a server that is away.
const { replay } = redisStores(client, { deadline: 5_000, cooldown: 50 })
const app = new Koa()
app.use(boundGateway({ ...init, replay }).middleware)
const handle = app.callback()
const server = createServer((request, response) => void handle(request, response)).listen(
  0,
  '127.0.0.1',
  () => {
    const address = server.address()
    process.send?.(typeof address === 'object' ? address?.port : undefined)
  },
)
