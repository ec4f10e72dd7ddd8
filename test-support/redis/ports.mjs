// @ts-check
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

const FIRST = 20_000
const LAST = 32_000
/** A cluster node talks to others on its port + 10000. */
const BUS = 10_000

/** @type {Set<number>} */
const handedOut = new Set()

/**
 * A loopback port that nobody listens on, nor on its cluster bus port. Another process may still take it first:
 * whoever starts a server tries again with another.
 */
export async function freePort() {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = randomInt(FIRST, LAST)
    if (handedOut.has(port) || !(await isFree(port)) || !(await isFree(port + BUS))) continue
    handedOut.add(port)
    return port
  }
  throw new Error(`no free port between ${FIRST} and ${LAST}`)
}

/** @param {number} port */
async function isFree(port) {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
