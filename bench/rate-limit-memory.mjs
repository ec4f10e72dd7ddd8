// @ts-check
/// <reference types="node" />
/**
 * The store in memory with a million live identities: what a decision costs as it fills, and bytes per budget.
 *
 *     node --expose-gc bench/rate-limit-memory.mjs [identities]
 */
import { hash } from 'node:crypto'
import { memoryRateLimitStore } from '@headgate/core'

const IDENTITIES = Number(process.argv[2] ?? 1_000_000)
const SAMPLE = 20_000
const { gc } = globalThis
if (gc === undefined) throw new Error('run it with --expose-gc')

/** @type {import('@headgate/core').GcraRate} */
const rate = { interval: 3_600_000_000, burst: 10 }
const keyAt = (/** @type {number} */ index) => hash('sha256', `identity ${index}`, 'base64url')

const WAYS = /** @type {const} */ ([
  ['lightly used', 1],
  ['used up', 10],
])

for (const [way, cost] of WAYS) {
  const store = memoryRateLimitStore({ maxEntries: IDENTITIES })
  const before = heap()
  let filled = 0
  const rows = []
  for (const size of [1_000, 10_000, 100_000, IDENTITIES].filter((one) => one <= IDENTITIES)) {
    for (; filled < size; filled += 1)
      await store.consume([{ quota: 'q', key: keyAt(filled), ...rate, cost }])
    rows.push({ budgets: store.size, 'µs per decision': await timed(store, size, 0) })
  }
  const bytes = (heap() - before) / store.size
  console.log(`${way}: ${Math.round(bytes)} bytes per budget, its key of 43 characters included`)
  console.table(rows)
  console.log(`newcomers to the full store: ${await timed(store, SAMPLE, IDENTITIES)} µs`)
}

/**
 * The median time of a decision about keys from `first` on, in microseconds, of ten rounds.
 *
 * @param {import('@headgate/core').MemoryRateLimitStore} store
 * @param {number} count
 * @param {number} first
 */
async function timed(store, count, first) {
  const keys = Array.from({ length: SAMPLE }, (_, index) => keyAt(first + ((index * 7_919) % count)))
  const rounds = []
  for (let round = 0; round < 10; round += 1) {
    const start = process.hrtime.bigint()
    for (const key of keys) await store.consume([{ quota: 'q', key, ...rate, cost: 1 }])
    rounds.push(Number(process.hrtime.bigint() - start) / SAMPLE / 1_000)
  }
  return Number(rounds.toSorted((a, b) => a - b)[5]?.toFixed(2))
}

function heap() {
  gc?.()
  gc?.()
  return process.memoryUsage().heapUsed
}
