import { describe, expect, test } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONCURRENCY_DEFAULTS } from '../../src/concurrency/options.js'
import { SHED_LOAD_DEFAULTS } from '../../src/load-shedding/shed-load.js'
import { HOT_DENY_DEFAULTS } from '../../src/rate-limit/hot-deny.js'
import { LEASE_DEFAULTS } from '../../src/rate-limit/leased.js'
import { RATE_LIMIT_DEFAULTS } from '../../src/rate-limit/options.js'
import { checkQuotas, type Quota } from '../../src/rate-limit/quota.js'
import { MEMORY_RATE_LIMIT_DEFAULTS, memoryRateLimitStore } from '../../src/stores/memory/rate-limit.js'
import { REDIS_GUARD_DEFAULTS } from '../../src/stores/redis/guard.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const docs = join(import.meta.dirname, '../../../../docs')
const src = join(import.meta.dirname, '../../src')
const read = (page: string): string => readFileSync(join(docs, page), 'utf8')

/** The table that follows a text: the cells of each row that names an option, by its name. */
function rowsAfter(page: string, text: string): ReadonlyMap<string, readonly string[]> {
  const [, after = ''] = read(page).split(text, 2)
  const table = /(?:^\|.*\n)+/m.exec(after)?.[0] ?? ''
  const rows = [...table.matchAll(/^\| `([^`]+)` .*$/gm)]
  return new Map(
    rows.map(([row, name = '']) => [
      name,
      row
        .replaceAll('\\|', '/')
        .split('|')
        .map((cell) => cell.trim()),
    ]),
  )
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, minute: 60_000 }

/** What a cell says a default is: a number, milliseconds, or text. */
function valueOf(cell: string): unknown {
  const [, text, number, unit] = /^`?(?:'([^']*)'|([\d,]+))`? ?(ms|s|minute)?/.exec(cell) ?? []
  return text ?? Number(number?.replaceAll(',', '')) * (UNITS[unit ?? ''] ?? 1)
}

function membersOf(file: string, name: string): readonly string[] {
  const [, after = ''] = readFileSync(join(src, file), 'utf8').split(`export interface ${name} `, 2)
  const [body = ''] = after.split('\n}\n', 1)
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member]) => member ?? '')
}

const RATE_LIMITS = 'rate-limiting.md'

describe('the page names every option, and no other, with its default', () => {
  test.each<[string, string, string, string, object]>([
    ['RateLimitOptions', 'rate-limit/options.ts', RATE_LIMITS, '`rateLimit(options)`.', RATE_LIMIT_DEFAULTS],
    ['Quota', 'rate-limit/quota.ts', RATE_LIMITS, '\nA quota:', {}],
    [
      'HotDenyOptions',
      'rate-limit/hot-deny.ts',
      RATE_LIMITS,
      '`hotDeny(store, options?)`',
      HOT_DENY_DEFAULTS,
    ],
    ['LeaseOptions', 'rate-limit/leased.ts', RATE_LIMITS, '`leased(store, options?)`', LEASE_DEFAULTS],
    [
      'ConcurrencyLimitOptions',
      'concurrency/options.ts',
      'concurrency.md',
      '`concurrencyLimit(options)`',
      CONCURRENCY_DEFAULTS,
    ],
    [
      'ShedLoadOptions',
      'load-shedding/shed-load.ts',
      'concurrency.md',
      '`shedLoad(options)`',
      SHED_LOAD_DEFAULTS,
    ],
    ['TrustedProxies', 'http/address.ts', RATE_LIMITS, "## The client's address", {}],
    [
      'MemoryRateLimitStoreOptions',
      'stores/memory/rate-limit.ts',
      RATE_LIMITS,
      '`memoryRateLimitStore(options?)`',
      MEMORY_RATE_LIMIT_DEFAULTS,
    ],
    [
      'RedisGuardOptions',
      'stores/redis/guard.ts',
      'redis.md',
      '## Options of `guardRedis`',
      REDIS_GUARD_DEFAULTS,
    ],
  ])('%s', (name, file, page, text, defaults) => {
    const members = membersOf(file, name)
    expect(members.length).toBeGreaterThan(1)
    const rows = rowsAfter(page, text)
    expect([...rows.keys()].toSorted()).toEqual(members.toSorted())
    for (const [option, value] of Object.entries(defaults)) {
      const said = rows.get(option)?.map(valueOf)
      expect([option, said]).toEqual([option, expect.arrayContaining([value])])
    }
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

  test('there are sixteen', () => {
    expect(rows).toHaveLength(16)
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
