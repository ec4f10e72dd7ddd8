// @ts-check
/// <reference types="node" />
/**
 * Decisions per second, CPU and round trips of rate limiters on one Redis, in one run: `npm run bench:rate-limit`.
 *
 * Absolute numbers move by half between minutes on a busy machine. Compare the ratios: contestants take turns.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { startRedis } from '../test-support/redis/index.mjs'
import { CONTESTANTS } from './rate-limit-contestants.mjs'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const MILLISECONDS = Number(process.env['BENCH_MS'] ?? 300)
const QUOTAS = [1, 2, 4]
const CONCURRENCY = [1, 64]
const KEYS = 50

/**
 * @typedef {object} Measured
 * @property {number} ops decisions per second
 * @property {number} nodeMicros CPU of this process per decision
 * @property {number} redisMicros CPU of the server per decision
 * @property {number} reads how often the server read from a socket, per decision
 * @property {number} admitted the part that was admitted
 */

const server = await startRedis()
const client = new Redis(server.port, '127.0.0.1', { enableOfflineQueue: false, maxRetriesPerRequest: 0 })
await new Promise((resolve) => void client.once('ready', () => resolve(undefined)))

const lines = [
  `# Rate limiters on one Redis`,
  '',
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Redis ${await version()}.`,
  `${ROUNDS} rounds of ${MILLISECONDS} ms, contestants in turns, medians; ${KEYS} keys; loopback. "x" is against rate-limiter-flexible in the same row group.`,
  '',
]
for (const outcome of /** @type {const} */ (['allowed', 'denied'])) {
  for (const quotas of QUOTAS) {
    for (const concurrency of CONCURRENCY) {
      lines.push(...(await compare({ outcome, quotas, concurrency })))
    }
  }
}
lines.push(
  'Denied: where a caller has several quotas, express-rate-limit and koa-ratelimit stop at the first that denies; the others ask all.',
  'koa-ratelimit keeps a log of each caller; allowed, its window is 1 ms here, so that the log stays short.',
  'Memory: rate-limiter-flexible with `inMemoryBlockOnConsumed`; Headgate with `hotDeny` and `leased`.',
)
client.disconnect()
await server.stop()

const folder = join(import.meta.dirname, 'results')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'rate-limit.md'), `${lines.join('\n')}\n`)
console.log(lines.join('\n'))

/** @param {{ outcome: 'allowed' | 'denied', quotas: number, concurrency: number }} setting */
async function compare(setting) {
  const { outcome, quotas, concurrency } = setting
  const taking = CONTESTANTS.filter(({ only }) => only === undefined || only === outcome)
  /** @type {Map<string, Measured[]>} */
  const measured = new Map(taking.map(({ name }) => [name, []]))
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { name, create } of taking) {
      const prefix = `${name.replaceAll(/\W/g, '')}-${outcome}-${quotas}`
      const decide = create({ client, quotas, isTight: outcome === 'denied', prefix })
      // Warm: scripts are loaded, keys are there, and tight budgets are spent.
      for (let times = 0; times < 2; times += 1) {
        for (let key = 0; key < KEYS; key += 1) await decide(key)
      }
      measured.get(name)?.push(await measure(decide, concurrency))
    }
  }
  const rows = [...measured].map(([name, all]) => ({ name, ...medians(all) }))
  const base = rows.find(({ name }) => name === 'rate-limiter-flexible')?.ops ?? Number.NaN
  return [
    `## ${quotas} quota${quotas === 1 ? '' : 's'}, ${outcome}, concurrency ${concurrency}`,
    '',
    '| limiter | decisions/s | x | node us | redis us | reads | admitted |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map(
      ({ name, ops, nodeMicros, redisMicros, reads, admitted }) =>
        `| ${name} | ${Math.round(ops)} | ${(ops / base).toFixed(2)} | ${nodeMicros.toFixed(1)} | ${redisMicros.toFixed(1)} | ${reads.toFixed(3)} | ${admitted.toFixed(2)} |`,
    ),
    '',
  ]
}

/**
 * @param {(key: number) => boolean | Promise<boolean>} decide
 * @param {number} concurrency
 * @returns {Promise<Measured>}
 */
async function measure(decide, concurrency) {
  let decisions = 0
  let admitted = 0
  const redisBefore = await load()
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  const end = start + MILLISECONDS
  await Promise.all(
    Array.from({ length: concurrency }, async (_, lane) => {
      for (let turn = lane; performance.now() < end; turn += 1) {
        if (await decide(turn % KEYS)) admitted += 1
        decisions += 1
        // A decision from memory never leaves this turn of the event loop; timers and sockets must have theirs.
        if (decisions % 1_024 === 0) await new Promise((resolve) => void setImmediate(resolve))
      }
    }),
  )
  const seconds = (performance.now() - start) / 1_000
  const cpu = process.cpuUsage(cpuBefore)
  const redisAfter = await load()
  return {
    ops: decisions / seconds,
    nodeMicros: (cpu.user + cpu.system) / decisions,
    redisMicros: (redisAfter.micros - redisBefore.micros) / decisions,
    reads: (redisAfter.reads - redisBefore.reads) / decisions,
    admitted: admitted / decisions,
  }
}

/** @param {string} text @param {string} name */
function number(text, name) {
  return Number(new RegExp(`^${name}:([0-9.]+)`, 'm').exec(text)?.[1] ?? 0)
}

async function load() {
  const [cpu, stats] = [await client.info('cpu'), await client.info('stats')]
  return {
    micros: (number(cpu, 'used_cpu_user') + number(cpu, 'used_cpu_sys')) * 1e6,
    reads: number(stats, 'total_reads_processed'),
  }
}

async function version() {
  return /redis_version:(\S+)/.exec(await client.info('server'))?.[1]
}

/** @param {readonly Measured[]} all @returns {Measured} */
function medians(all) {
  /** @param {keyof Measured} member */
  const median = (member) => {
    const sorted = all.map((one) => one[member]).toSorted((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  }
  return {
    ops: median('ops'),
    nodeMicros: median('nodeMicros'),
    redisMicros: median('redisMicros'),
    reads: median('reads'),
    admitted: median('admitted'),
  }
}
