// @ts-check
/**
 * Gives every kind of store keys that nobody used before, and writes how much more is alive after each portion of them.
 * One line of JSON for each kind. Run it with `--expose-gc`, and `--no-opt`: code that is compiled meanwhile is alive too.
 *
 * node --expose-gc --no-opt soak.mjs '{"stores":[1500,800],"credentials":[1500,200],"gates":[80,50],"rounds":4}'
 */
import { CREDENTIAL_KINDS } from './credentials.mjs'
import { GATE_KINDS } from './gate.mjs'
import { liveHeap } from './heap.mjs'
import { LEAKS, STORE_KINDS } from './stores.mjs'

/**
 * How many keys fill what is bounded, and how many each round has.
 *
 * @type {Record<'stores' | 'credentials' | 'gates', [number, number]> & { rounds: number, only?: string }}
 */
const plan = JSON.parse(process.argv[2] ?? '{}')

for (const [name, open] of Object.entries({ ...STORE_KINDS, ...LEAKS })) await soak(name, open, plan.stores)
for (const [name, open] of Object.entries(CREDENTIAL_KINDS)) await soak(name, open, plan.credentials)
for (const [name, open] of Object.entries(GATE_KINDS)) await soak(name, open, plan.gates)

/**
 * @param {string} name
 * @param {import('./stores.mjs').Kind} open
 * @param {[number, number]} portions
 */
async function soak(name, open, [fill, portion]) {
  if (plan.only !== undefined && !name.includes(plan.only)) return
  const subject = open()
  let used = 0
  const touch = async (/** @type {number} */ count) => {
    for (let left = count; left > 0; left -= 1) await subject.touch(String((used += 1)))
  }
  await touch(fill)
  /** @type {number[]} */
  const alive = []
  for (let round = 0; round < plan.rounds; round += 1) {
    await touch(portion)
    alive.push(await liveHeap())
  }
  // Still in use: nothing of it may be collected before.
  await touch(1)
  const [first = 0] = alive
  process.stdout.write(`${JSON.stringify({ name, portion, grown: alive.map((bytes) => bytes - first) })}\n`)
}
