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

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7)
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
 * @property {number} scripts how many scripts the server ran, per decision
 * @property {number} admitted the part that was admitted
 */

const server = await startRedis()
const client = new Redis(server.port, '127.0.0.1', { enableOfflineQueue: false, maxRetriesPerRequest: 0 })
await new Promise((resolve) => void client.once('ready', () => resolve(undefined)))

/** @type {Map<string, Measured[]>} Each round of quotas, outcome, concurrency and limiter. */
const measurements = new Map()
const lines = [
  `# Rate limiters on one Redis`,
  '',
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Redis ${await version()}.`,
  `${ROUNDS} rounds of ${MILLISECONDS} ms, contestants in turns, medians; ${KEYS} keys; loopback. "x" is how many times the decisions of rate-limiter-flexible, the median of the rounds.`,
  '',
]
for (const outcome of /** @type {const} */ (['allowed', 'denied'])) {
  for (const quotas of QUOTAS) {
    for (const concurrency of CONCURRENCY) {
      lines.push(...(await compare({ outcome, quotas, concurrency })))
    }
  }
}
lines.splice(5, 0, ...ratios(), '')
lines.push(
  'Denied: where a caller has several quotas, express-rate-limit and koa-ratelimit stop at the first that denies; the others ask all.',
  'koa-ratelimit keeps a log of each caller; allowed, its window is 1 ms here, so that the log stays short.',
  'Leases of 50: `maxUnits: 57`, of which 7 are left when the next 50 are asked for. Alone at its store a decision waits for a round trip, 64 at a time share one: there a lease saves less.',
  'Memory: rate-limiter-flexible with `inMemoryBlockOnConsumed`; Headgate with `hotDeny` and `leased`.',
)
client.disconnect()
await server.stop()

const folder = join(import.meta.dirname, 'results')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'rate-limit.md'), `${lines.join('\n')}\n`)
console.log(lines.join('\n'))

/** What the ratios that matter come to in this run. */
function ratios() {
  const [one, two, four] = QUOTAS.map((quotas) => `${quotas} allowed 64`)
  const own = ', headgate'
  const flexible = ', rate-limiter-flexible'
  const leases = ', headgate, leases of 50'
  const micros = roundsOf(`${four}${own}`).map((round, index) => {
    return round.redisMicros / (roundsOf(`${one}${own}`)[index]?.redisMicros ?? Number.NaN)
  })
  /** @type {readonly (readonly [string, number])[]} */
  const rows = [
    ['1 quota, against rate-limiter-flexible', faster(`${one}${own}`, `${one}${flexible}`)],
    ['2 quotas, against its Union', faster(`${two}${own}`, `${two}${flexible}`)],
    ['4 quotas, against its Union', faster(`${four}${own}`, `${four}${flexible}`)],
    ['4 quotas, CPU of Redis against that for 1', median(micros)],
    [
      '1 quota, denied, `hotDeny` against its block in memory',
      faster(`1 denied 64${own}, hotDeny`, `1 denied 64${flexible}, block in memory`),
    ],
    ['1 quota, leases of 50, against rate-limiter-flexible', faster(`${one}${leases}`, `${one}${flexible}`)],
    ['1 quota, leases of 50, against a decision for each', faster(`${one}${leases}`, `${one}${own}`)],
  ]
  return [
    '| decisions per second, 64 at a time | ratio |',
    '| --- | ---: |',
    ...rows.map(([what, ratio]) => `| ${what} | ${ratio.toFixed(2)} |`),
  ]
}

/** @param {string} name */
function roundsOf(name) {
  return measurements.get(name) ?? []
}

/**
 * How many times as many decisions one makes as the other: of each round, for a busy machine changes between them.
 *
 * @param {string} one
 * @param {string} other
 */
function faster(one, other) {
  return median(roundsOf(one).map(({ ops }, round) => ops / (roundsOf(other)[round]?.ops ?? Number.NaN)))
}

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
  const group = `${quotas} ${outcome} ${concurrency}`
  for (const [name, rounds] of measured) measurements.set(`${group}, ${name}`, rounds)
  const rows = [...measured].map(([name, rounds]) => ({
    name,
    ...medians(rounds),
    ratio: faster(`${group}, ${name}`, `${group}, rate-limiter-flexible`),
  }))
  return [
    `## ${quotas} quota${quotas === 1 ? '' : 's'}, ${outcome}, concurrency ${concurrency}`,
    '',
    '| limiter | decisions/s | x | node us | redis us | reads | scripts | admitted |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map(
      ({ name, ops, ratio, nodeMicros, redisMicros, reads, scripts, admitted }) =>
        `| ${name} | ${Math.round(ops)} | ${ratio.toFixed(2)} | ${nodeMicros.toFixed(2)} | ${redisMicros.toFixed(2)} | ${reads.toFixed(3)} | ${scripts.toFixed(3)} | ${admitted.toFixed(2)} |`,
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
      // The clock costs as much as a decision from memory.
      for (let turn = lane; turn % 16 !== 0 || performance.now() < end; turn += 1) {
        const decision = decide(turn % KEYS)
        if (typeof decision === 'boolean' ? decision : await decision) admitted += 1
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
    scripts: (redisAfter.scripts - redisBefore.scripts) / decisions,
    admitted: admitted / decisions,
  }
}

/** @param {string} text @param {string} name */
function number(text, name) {
  return Number(new RegExp(`^${name}:?([0-9.]+)`, 'm').exec(text)?.[1] ?? 0)
}

async function load() {
  const [cpu, stats, commands] = [
    await client.info('cpu'),
    await client.info('stats'),
    await client.info('commandstats'),
  ]
  return {
    micros: (number(cpu, 'used_cpu_user') + number(cpu, 'used_cpu_sys')) * 1e6,
    reads: number(stats, 'total_reads_processed'),
    scripts: number(commands, 'cmdstat_evalsha:calls='),
  }
}

async function version() {
  return /redis_version:(\S+)/.exec(await client.info('server'))?.[1]
}

/** @param {readonly Measured[]} rounds @returns {Measured} */
function medians(rounds) {
  /** @param {keyof Measured} member */
  const of = (member) => median(rounds.map((round) => round[member]))
  return {
    ops: of('ops'),
    nodeMicros: of('nodeMicros'),
    redisMicros: of('redisMicros'),
    reads: of('reads'),
    scripts: of('scripts'),
    admitted: of('admitted'),
  }
}

/** @param {readonly number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
