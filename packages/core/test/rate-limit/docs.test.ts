import { describe, expect, test } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkQuotas, type Quota } from '../../src/rate-limit/quota.js'
import { memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const docs = join(import.meta.dirname, '../../../../docs')
const src = join(import.meta.dirname, '../../src')
const read = (page: string): string => readFileSync(join(docs, page), 'utf8')

/** The table that follows a text: the first cell of each row, without its quotes. */
function rowsAfter(page: string, text: string): readonly string[] {
  const [, after = ''] = read(page).split(text, 2)
  const table = /(?:^\|.*\n)+/m.exec(after)?.[0] ?? ''
  return [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, cell]) => cell ?? '')
}

function membersOf(file: string, name: string): readonly string[] {
  const [, after = ''] = readFileSync(join(src, file), 'utf8').split(`export interface ${name} `, 2)
  const [body = ''] = after.split('\n}\n', 1)
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member]) => member ?? '')
}

describe('the page names every option, and no other', () => {
  test.each([
    ['RateLimitOptions', 'rate-limit/options.ts', 'rate-limiting.md', '`rateLimit(options)`.'],
    ['Quota', 'rate-limit/quota.ts', 'rate-limiting.md', '\nA quota:'],
    ['HotDenyOptions', 'rate-limit/hot-deny.ts', 'rate-limiting.md', '`hotDeny(store, options?)`'],
    ['LeaseOptions', 'rate-limit/leased.ts', 'rate-limiting.md', '`leased(store, options?)`'],
    ['ConcurrencyLimitOptions', 'concurrency/options.ts', 'rate-limiting.md', '`concurrencyLimit(options)`'],
    ['ShedLoadOptions', 'load-shedding/shed-load.ts', 'rate-limiting.md', '`shedLoad(options)`'],
    ['TrustedProxies', 'http/address.ts', 'rate-limiting.md', '## The client’s address'],
    [
      'MemoryRateLimitStoreOptions',
      'stores/memory/rate-limit.ts',
      'rate-limiting.md',
      '`memoryRateLimitStore(options?)`',
    ],
    ['RedisGuardOptions', 'stores/redis/guard.ts', 'redis.md', '## Options of `guardRedis`'],
  ])('%s', (name, file, page, text) => {
    const members = membersOf(file, name)
    expect(members.length).toBeGreaterThan(1)
    expect(rowsAfter(page, text.replace('’', "'")).toSorted()).toEqual(members.toSorted())
  })
})

/** What a client gets that takes all it can, in each tenth of two windows. The last tenth of a window comes first. */
async function taken(quota: Partial<Quota>): Promise<readonly number[]> {
  const window = 60_000
  const [checked] = checkQuotas([{ name: 'q', limit: 100, window, key: 'ip', ...quota }], 56)
  const rate = checked?.fixedTerms?.rate
  if (rate === undefined) throw new Error('no rate')
  const clock = new ManualClock()
  const store = memoryRateLimitStore({ clock })
  const start = Math.ceil(clock.now() / window) * window - window / 10
  const tenths: number[] = []
  for (let tenth = 0; tenth < 20; tenth += 1) {
    let units = 0
    for (let passed = 0; passed < window / 10; passed += 10) {
      clock.step(start + (tenth * window) / 10 + passed)
      while ((await store.consume([{ ...rate, quota: 'q', key: 'k', cost: 1 }])).outcome === 'admitted')
        units += 1
    }
    tenths.push(units)
  }
  return tenths
}

function mostInAWindow(tenths: readonly number[]): number {
  return Math.max(
    ...tenths.slice(10).map((_, index) => tenths.slice(index, index + 10).reduce((a, b) => a + b)),
  )
}

const BARS = ' ▁▂▃▄▅▆▇█'

test('envelope: the chart is what the limiter does', async () => {
  const heads = ['a minute', 'the next minute', 'in a tenth', 'in any minute']
  const lines = [
    `${' '.repeat(20)}${heads[0]?.padEnd(21)}${heads[1]?.padEnd(23)}${heads[2]?.padEnd(27)}${heads[3]}`,
  ]
  for (const [title, quota] of [
    ['gcra, burst: 10', {}],
    ['gcra, burst: 100', { burst: 100 }],
    ['gcra, strict: true', { strict: true }],
    ['sliding-window', { algorithm: 'sliding-window' }],
    ['fixed-window', { algorithm: 'fixed-window' }],
  ] as const) {
    const tenths = await taken(quota)
    const bars = tenths.map((units) => BARS[Math.ceil((units * 8) / 110)] ?? '?').map((bar) => `${bar}${bar}`)
    const shape = `${bars.slice(0, 10).join('')}│${bars.slice(10).join('')}`
    const then = [...new Set(tenths.slice(1))].toSorted((a, b) => a - b).join(' or ')
    lines.push(
      `${title.padEnd(19)} ${shape}   ${`${tenths[0]}, then ${then}`.padEnd(24)}   ${mostInAWindow(tenths)}`,
    )
  }
  expect(read('rate-limiting.md')).toContain(lines.map((line) => `${line.trimEnd()}\n`).join(''))
})

describe('every invariant has its test', () => {
  const [, section = ''] = read('rate-limiting.md').split('## Invariants')
  const rows = [...section.matchAll(/^\| (\w[\w -]*?) +\| .*$/gm)].filter(([, name]) => name !== 'invariant')

  test('there are seventeen', () => {
    expect(rows).toHaveLength(17)
  })

  test.each(rows.map(([row, name]) => [name ?? '', row] as const))('%s', (name, row) => {
    const files = [...row.matchAll(/\]\((\.\.\/packages\/[^)]+)\)/g)].map(([, file]) =>
      join(docs, file ?? ''),
    )
    expect(files.length).toBeGreaterThan(0)
    for (const file of files) {
      expect(existsSync(file)).toBe(true)
      expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`'${name}(?::|'|, )`))
    }
  })
})
