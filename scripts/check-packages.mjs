// Checks what ships: every package is packed, linted as a package, installed into a throwaway project outside the
// workspace, imported from ESM, required from CommonJS, type-checked by a strict consumer, and answers a request.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PNPM_VERSION } from './pnpm-version.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const names = ['core', 'rest-adapter', 'graphql-adapter']
const work = mkdtempSync(join(tmpdir(), 'headgate-packages-'))

function run(title, command, args, cwd = root) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    env: { ...process.env, npm_config_loglevel: 'error', CI: 'true' },
  })
  if (status !== 0) {
    console.error(`not ok - ${title}\n${stdout}\n${stderr}`)
    throw new Error(`${title} failed`)
  }
  console.log(`ok - ${title}`)
}

function bin(name, ...path) {
  return join(root, 'node_modules', ...path, name)
}

/** The tarballs, by package name. */
function pack() {
  for (const name of names) {
    run(
      `pack ${name}`,
      'npx',
      ['--yes', `pnpm@${PNPM_VERSION}`, 'pack', '--pack-destination', work],
      join(root, 'packages', name),
    )
  }
  const files = readdirSync(work).filter((file) => file.endsWith('.tgz'))
  return Object.fromEntries(
    names.map((name) => {
      const file = files.find((candidate) => candidate.startsWith(`headgate-${name}-`))
      if (file === undefined) throw new Error(`no tarball of ${name}`)
      return [`@headgate/${name}`, join(work, file)]
    }),
  )
}

function lint(tarballs) {
  for (const [name, file] of Object.entries(tarballs)) {
    run(`a page for the registry in ${name}`, 'tar', ['-tzf', file, 'package/README.md'])
    run(`publint ${name}`, process.execPath, [bin('cli.js', 'publint', 'src'), file, '--strict'])
    run(`attw ${name}`, process.execPath, [
      bin('index.js', '@arethetypeswrong', 'cli', 'dist'),
      file,
      '--profile',
      'esm-only',
    ])
  }
}

/** Installs the tarballs as a user would, with their peers from the registry. */
function install(tarballs) {
  const consumer = join(work, 'consumer')
  cpSync(join(root, 'test-support', 'consumer'), consumer, { recursive: true })
  const catalog = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8')
  const version = (name) => new RegExp(`^  '?${name}'?: (.+)$`, 'm').exec(catalog)?.[1]
  const peers = ['koa', '@koa/router', 'graphql', 'graphql-http']
  const manifest = {
    name: 'consumer',
    private: true,
    dependencies: {
      ...Object.fromEntries(peers.map((name) => [name, version(name)])),
      ...Object.fromEntries(Object.entries(tarballs).map(([name, file]) => [name, `file:${file}`])),
    },
    // The packages name each other by version; until they are published, those are the tarballs too.
    overrides: Object.fromEntries(Object.entries(tarballs).map(([name, file]) => [name, `file:${file}`])),
  }
  writeFileSync(join(consumer, 'package.json'), JSON.stringify(manifest, null, 2))
  run(
    'install the tarballs outside the workspace',
    'npm',
    ['install', '--no-audit', '--no-fund', '--no-package-lock'],
    consumer,
  )
  return consumer
}

function use(consumer) {
  run('import from ESM, and answer requests', process.execPath, ['gateway.mjs'], consumer)
  run('require from CommonJS', process.execPath, ['require.cjs'], consumer)
  const tsc = bin('tsc', 'typescript', 'bin')
  run(
    'type-check a strict consumer',
    process.execPath,
    [tsc, '--project', '.', '--typeRoots', join(root, 'node_modules', '@types')],
    consumer,
  )
}

try {
  const tarballs = pack()
  lint(tarballs)
  use(install(tarballs))
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  rmSync(work, { recursive: true, force: true })
}
