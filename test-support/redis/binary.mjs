// @ts-check
import { spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * A real server and what its process needs.
 *
 * @typedef {object} RedisBinary
 * @property {string} path
 * @property {NodeJS.ProcessEnv} env
 */

const CACHE = join(import.meta.dirname, '../../node_modules/.cache')
const UNPACKED = join(CACHE, 'redis-server')
const PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1']
const APT_OPTIONS = ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=2', '-q']

/** @type {RedisBinary | undefined} */
let found

/**
 * Finds a redis-server, or gets one. In this order: `$REDIS_SERVER_BIN`; `redis-server` or `valkey-server` on the path;
 * Debian's package, installed as root, or else unpacked under `node_modules/.cache`.
 *
 * @returns {RedisBinary}
 * @throws Error that says what was tried, and what to do.
 */
export function redisBinary() {
  found ??= given() ?? onPath() ?? unpacked() ?? installed() ?? downloaded()
  if (found === undefined) {
    throw new Error(
      'No redis-server. Tried $REDIS_SERVER_BIN, redis-server and valkey-server on the path, and apt-get. ' +
        'Install Redis or Valkey 7 or newer, or let REDIS_SERVER_BIN name its server. ' +
        'HEADGATE_REDIS=skip leaves out the tests that need one.',
    )
  }
  return found
}

/** @returns {RedisBinary | undefined} */
function given() {
  const path = process.env.REDIS_SERVER_BIN
  if (path === undefined || path === '') return undefined
  const binary = { path, env: process.env }
  if (!runs(binary)) throw new Error(`REDIS_SERVER_BIN names '${path}', which does not run`)
  return binary
}

/** @returns {RedisBinary | undefined} */
function onPath() {
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name)
      if (isExecutable(path) && runs({ path, env: process.env })) return { path, env: process.env }
    }
  }
  return undefined
}

/**
 * As root, unless a service manager runs: the package would start a server of its own there.
 *
 * @returns {RedisBinary | undefined}
 */
function installed() {
  if (process.getuid?.() !== 0 || existsSync('/run/systemd/system')) return undefined
  const install = () => apt(['install', '-y', '--no-install-recommends', ...APT_OPTIONS, 'redis-server'])
  return install() || (apt(['update', ...APT_OPTIONS]) && install()) ? onPath() : undefined
}

/** @returns {RedisBinary | undefined} */
function unpacked() {
  const libraries = join(UNPACKED, 'usr/lib')
  if (!existsSync(libraries)) return undefined
  const folders = readdirSync(libraries, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(libraries, entry.name))
  const binary = {
    path: join(UNPACKED, 'usr/bin/redis-server'),
    env: { ...process.env, LD_LIBRARY_PATH: folders.join(delimiter) },
  }
  return runs(binary) ? binary : undefined
}

/**
 * Nothing of the system is changed. Two processes may do this at once: the folder appears in one step.
 *
 * @returns {RedisBinary | undefined}
 */
function downloaded() {
  mkdirSync(CACHE, { recursive: true })
  const work = mkdtempSync(join(CACHE, 'redis-download-'))
  try {
    const download = () => apt(['download', ...APT_OPTIONS, ...PACKAGES], work)
    if (!download()) return undefined
    const root = join(work, 'root')
    for (const file of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      if (spawnSync('dpkg', ['-x', join(work, file), root]).status !== 0) return undefined
    }
    if (!existsSync(UNPACKED)) renameSync(root, UNPACKED)
  } catch (error) {
    if (!existsSync(UNPACKED)) throw error
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return unpacked()
}

/**
 * @param {string[]} args
 * @param {string} [cwd]
 */
function apt(args, cwd) {
  const { status } = spawnSync('apt-get', args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 180_000,
  })
  return status === 0
}

/** @param {RedisBinary} binary */
function runs({ path, env }) {
  return spawnSync(path, ['--version'], { env }).status === 0
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
