// @ts-check
import { poll } from './poll.mjs'
import { startRedis } from './server.mjs'

/**
 * Three masters that share the slots.
 *
 * @typedef {object} RedisCluster
 * @property {readonly import('./server.mjs').RedisServer[]} nodes the first has slots 0 to 5460, and so on.
 * @property {() => Promise<void>} stop
 */

const SLOTS = [
  [0, 5460],
  [5461, 10_922],
  [10_923, 16_383],
]

const ARGS = [
  ['--cluster-enabled', 'yes'],
  ['--cluster-node-timeout', '1000'],
  ['--cluster-announce-ip', '127.0.0.1'],
].flat()

/**
 * Starts a Redis Cluster of three masters on free loopback ports.
 *
 * @returns {Promise<RedisCluster>} answers when every node says that the cluster is complete.
 */
export async function startCluster() {
  const started = await Promise.allSettled(SLOTS.map(() => startRedis({ args: ARGS })))
  const nodes = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const stop = async () => void (await Promise.all(nodes.map((node) => node.stop())))
  try {
    for (const result of started) if (result.status === 'rejected') throw result.reason
    await join(nodes)
  } catch (error) {
    await stop()
    throw error
  }
  return { nodes, stop }
}

/** @param {readonly import('./server.mjs').RedisServer[]} nodes */
async function join(nodes) {
  await Promise.all(
    nodes.map(async (node, index) => {
      await node.command('CLUSTER', 'ADDSLOTSRANGE', ...(SLOTS[index] ?? []))
      await node.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    }),
  )
  const [first, ...others] = nodes
  for (const { port } of others) await first?.command('CLUSTER', 'MEET', '127.0.0.1', port)
  await poll('the cluster', async () => {
    const states = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'INFO')))
    return states.every((state) => /cluster_state:ok[^]*cluster_known_nodes:3/.test(String(state)))
  })
  // Short, the cluster forms quickly; long, a busy machine does not make it fail.
  for (const node of nodes) await node.command('CONFIG', 'SET', 'cluster-node-timeout', 5_000)
}
