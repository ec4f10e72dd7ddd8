// Installs the dependencies with a pinned pnpm, so that a fresh clone needs only Node and npm.
// A stamp makes the second run free: it changes with the lockfile, the pnpm version and the Node version.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PNPM_VERSION } from './pnpm-version.mjs'

const NODE_MINIMUM = [20, 19]

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < NODE_MINIMUM[0] || (major === NODE_MINIMUM[0] && minor < NODE_MINIMUM[1])) {
  console.error(`Headgate needs Node ${NODE_MINIMUM.join('.')} or newer; this is ${process.version}.`)
  process.exit(1)
}

const lockfile = join(root, 'pnpm-lock.yaml')
const stampFile = join(root, 'node_modules', '.setup-stamp')
const stamp = createHash('sha256')
  .update(existsSync(lockfile) ? readFileSync(lockfile) : '')
  .update(`\n${PNPM_VERSION}\n${process.version}`)
  .digest('hex')

if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) process.exit(0)

console.error('Installing dependencies (first run, or the lockfile changed) ...')
const install = spawnSync(
  'npx',
  [
    '--yes',
    `pnpm@${PNPM_VERSION}`,
    'install',
    '--frozen-lockfile',
    '--prefer-offline',
    '--reporter=append-only',
  ],
  {
    cwd: root,
    // The output of the command that called us belongs to that command: everything of the install goes to stderr.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
    env: { ...process.env, CI: process.env.CI ?? 'true', npm_config_loglevel: 'error' },
  },
)
if (install.status !== 0) {
  console.error('The install failed; see the lines above.')
  process.exit(install.status ?? 1)
}
writeFileSync(stampFile, stamp)
