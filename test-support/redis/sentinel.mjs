// @ts-check
import { poll } from './poll.mjs'
import { startRedis } from './server.mjs'

/**
 * A master and a replica under three sentinels.
 *
 * @typedef {object} RedisSentinels
 * @property {string} name what the sentinels call the master.
 * @property {import('./server.mjs').RedisServer} master the master at the start; after a failover it may be the other.
 * @property {import('./server.mjs').RedisServer} replica
 * @property {readonly import('./server.mjs').RedisServer[]} sentinels
 * @property {() => Promise<void>} stop
 */

const NAME = 'gate'
const QUORUM = 2

/**
 * Starts a master, its replica and three sentinels on free loopback ports. A dead master is replaced in about 2 s.
 *
 * @returns {Promise<RedisSentinels>} answers when the replica has the data and the sentinels know each other.
 */
export async function startSentinels() {
  /** @type {import('./server.mjs').RedisServer[]} */
  const servers = []
  /** @param {import('./server.mjs').RedisServerOptions} [options] */
  const start = async (options) => {
    const server = await startRedis(options)
    servers.push(server)
    return server
  }
  const stop = async () => void (await Promise.all(servers.map((server) => server.stop())))
  try {
    const master = await start({ args: ['--repl-diskless-sync-delay', '0'] })
    const replica = await start({ args: ['--replicaof', '127.0.0.1', String(master.port)] })
    await poll('the replica', async () => /master_link_status:up/.test(String(await replica.command('INFO'))))
    const sentinel = { args: ['--sentinel'], config: () => sentinelConfig(master.port) }
    const sentinels = [await start(sentinel), await start(sentinel), await start(sentinel)]
    await poll('every sentinel', async () => (await Promise.all(sentinels.map(knowsAll))).every(Boolean))
    return { name: NAME, master, replica, sentinels, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** @param {number} port */
function sentinelConfig(port) {
  return [
    `sentinel monitor ${NAME} 127.0.0.1 ${port} ${QUORUM}`,
    `sentinel down-after-milliseconds ${NAME} 500`,
    `sentinel failover-timeout ${NAME} 2000`,
    '',
  ].join('\n')
}

/** @param {import('./server.mjs').RedisServer} sentinel */
async function knowsAll(sentinel) {
  return /status=ok,address=\S+,slaves=1,sentinels=3/.test(String(await sentinel.command('INFO', 'sentinel')))
}
