// @ts-check
/// <reference types="node" />
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redisBinary } from './binary.mjs'
import { freePort } from './ports.mjs'
import { sendCommand } from './resp.mjs'
import { poll } from './poll.mjs'
import { unwatch, watch } from './watchdog.mjs'

/**
 * How a server is started.
 *
 * @typedef {object} RedisServerOptions
 * @property {readonly string[]} [args] further arguments, `['--maxmemory', '1mb']`. Default: none.
 * @property {(port: number) => string} [config] a configuration file that the server may rewrite. Default: none.
 */

/**
 * A server on a loopback port. It ends with this process at the latest.
 *
 * @typedef {object} RedisServer
 * @property {number} port
 * @property {string} url
 * @property {(...words: (string | number)[]) => Promise<import('./resp.mjs').Reply>} command sends one command.
 * @property {() => Promise<void>} flushScripts forgets every script, as a failover to a fresh node does.
 * @property {() => void} pause hangs it: connections stay open and nothing is answered (SIGSTOP).
 * @property {() => void} resume lets it go on where it was (SIGCONT).
 * @property {() => Promise<void>} kill ends it without a farewell (SIGKILL). `restart` brings it back.
 * @property {(options?: { keepData?: boolean }) => Promise<void>} restart kills it and starts it again on the same port;
 *   with its data if asked to, else empty.
 * @property {() => Promise<void>} stop ends it and removes what it wrote.
 */

const ATTEMPTS = 5
/** How long a server may take to end by itself. */
const FAREWELL = 2_000

/**
 * Starts a server on a free loopback port.
 *
 * @param {RedisServerOptions} [options]
 * @returns {Promise<RedisServer>} answers when the server does.
 */
export async function startRedis(options = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const server = prepare(await freePort(), options)
    try {
      await server.start()
      return server.handle
    } catch (error) {
      await server.handle.stop()
      // Somebody else took the port between the look and the start.
      if (attempt === ATTEMPTS || !String(error).includes('Address already in use')) throw error
    }
  }
}

/**
 * @param {number} port
 * @param {RedisServerOptions} options
 */
function prepare(port, { args = [], config }) {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-redis-'))
  const log = join(folder, 'redis.log')
  const configFile = join(folder, 'redis.conf')
  if (config !== undefined) writeFileSync(configFile, config(port))
  const settings = [
    ['--port', String(port)],
    ['--bind', '127.0.0.1'],
    ['--protected-mode', 'no'],
    ['--dir', folder],
    ['--logfile', log],
    ['--save', ''],
    ['--appendonly', 'no'],
  ]
  const words = [...(config === undefined ? [] : [configFile]), ...settings.flat(), ...args]
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child

  const start = async () => {
    const { path, env } = redisBinary()
    const started = spawn(path, words, { env, cwd: folder, stdio: 'ignore' })
    child = started
    started.unref()
    started.on('error', () => undefined)
    const { pid } = started
    if (pid === undefined) throw new Error(`${path} does not start`)
    watch(pid, folder)
    started.once('exit', () => unwatch(pid))
    await poll(`redis-server on port ${port}`, async () => {
      if (hasEnded(started)) throw new Error(`redis-server ended: ${readLog(log)}`)
      // Somebody else's server may answer on a port that this one did not get.
      const info = await sendCommand(port, ['INFO', 'server']).catch(() => '')
      return String(info).includes(`process_id:${pid}\r\n`)
    })
  }

  /** @param {NodeJS.Signals} signal */
  const end = async (signal) => {
    const ending = child
    if (ending?.pid === undefined || hasEnded(ending)) return
    const ended = once(ending, 'exit')
    ending.ref()
    ending.kill(signal)
    // A stopped process gets no other signal before it goes on.
    ending.kill('SIGCONT')
    const timer = setTimeout(() => ending.kill('SIGKILL'), FAREWELL)
    await ended
    clearTimeout(timer)
  }

  /** @type {RedisServer} */
  const handle = {
    port,
    url: `redis://127.0.0.1:${port}`,
    command: (...command) => sendCommand(port, command),
    flushScripts: async () => void (await sendCommand(port, ['SCRIPT', 'FLUSH', 'SYNC'])),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    kill: () => end('SIGKILL'),
    restart: async ({ keepData = false } = {}) => {
      if (keepData) await sendCommand(port, ['SAVE'])
      await end('SIGKILL')
      if (!keepData) rmSync(join(folder, 'dump.rdb'), { force: true })
      await start()
    },
    stop: async () => {
      await end('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return { start, handle }
}

/** @param {import('node:child_process').ChildProcess} child */
function hasEnded({ exitCode, signalCode }) {
  return exitCode !== null || signalCode !== null
}

/** @param {string} path */
function readLog(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return 'it wrote no log'
  }
}
