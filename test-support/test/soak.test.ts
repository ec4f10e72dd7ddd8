import { expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** How the live heap grew with one kind of unique keys. */
interface Soaked {
  readonly name: string
  /** Keys of a round. */
  readonly portion: number
  /** Bytes that are alive after each round, beyond those after the first. */
  readonly grown: readonly number[]
}

/** `npm run soak`: so many keys of each kind in a round, of requests through a gate a fifth. */
const KEYS = Number(process.env['SOAK_KEYS'] ?? 0)
const PLAN =
  KEYS > 0
    ? { stores: [KEYS, KEYS], credentials: [KEYS, KEYS], gates: [KEYS / 5, KEYS / 5], rounds: 6 }
    : { stores: [1_500, 800], credentials: [1_500, 200], gates: [80, 50], rounds: 4 }

/** What measuring itself, and code that is compiled late, may add. */
const NOISE = 16_384

/** Less than anything that could be remembered of a key. */
const BYTES_A_KEY = 24

test(
  'no memory store, scheme or gate grows with the keys that are sent; a store without a bound is found',
  async () => {
    const soaked = await soak()
    expect(soaked.length).toBeGreaterThan(25)
    const growing = soaked.filter(isGrowing).map(({ name }) => name)
    expect(growing).toEqual(['a store without a bound'])
  },
  KEYS > 0 ? 3_600_000 : 120_000,
)

/** More in every round of the second half than in any of the first: what comes and goes is no leak. */
function isGrowing({ portion, grown }: Soaked): boolean {
  const half = grown.length / 2
  const growth = Math.min(...grown.slice(half)) - Math.max(...grown.slice(0, half))
  return growth > Math.max(NOISE, BYTES_A_KEY * portion)
}

async function soak(): Promise<readonly Soaked[]> {
  const script = join(import.meta.dirname, '../soak/soak.mjs')
  // A process of its own: a heap that nothing else uses, and code that is not compiled meanwhile.
  const child = spawn(process.execPath, ['--expose-gc', '--no-opt', script, JSON.stringify(PLAN)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const output = await text(child.stdout)
  expect(await ended).toEqual([0, null])
  const soaked = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Soaked)
  if (KEYS > 0) for (const { name, grown } of soaked) process.stdout.write(`${name}: ${grown.join(' ')}\n`)
  return soaked
}
