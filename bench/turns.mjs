// @ts-check
/// <reference types="node" />
/** Lets functions take turns, so that what else the machine does meets all of them. */

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {(credential: string) => unknown} verify
 * @property {(result: any) => boolean} isGood
 */

export const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7)
export const MILLISECONDS = Number(process.env['BENCH_MS'] ?? 200)

/**
 * @param {string} title
 * @param {{ contestants: Contestant[], credentials: string[] }} field
 */
export async function compare(title, { contestants, credentials }) {
  for (const contestant of contestants) await check(contestant, credentials)
  /** @type {Map<string, number[]>} */
  const micros = new Map(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const contestant of contestants) {
      micros.get(contestant.name)?.push(await measure(contestant, credentials))
    }
  }
  const medians = contestants.map(({ name }) => median(micros.get(name) ?? []))
  const [first = 1] = medians
  return [
    `## ${title}`,
    '',
    '| | us | x |',
    '| --- | ---: | ---: |',
    ...contestants.map(
      ({ name }, index) =>
        `| ${name} | ${figure(medians[index])} | ${figure((medians[index] ?? 0) / first)} |`,
    ),
    '',
  ]
}

/**
 * Also warms up and fills the caches.
 *
 * @param {Contestant} contestant
 * @param {readonly string[]} tokens
 */
async function check({ name, verify, isGood }, tokens) {
  for (const token of tokens) {
    if (!isGood(await verify(token))) throw new Error(`${name} refused a good token`)
  }
}

/**
 * @param {Contestant} contestant
 * @param {readonly string[]} tokens
 */
async function measure({ verify }, tokens) {
  const start = performance.now()
  const end = start + MILLISECONDS
  let count = 0
  let now = start
  while (now < end) {
    for (let batch = 0; batch < 100; batch++) {
      const result = verify(tokens[count % tokens.length] ?? '')
      // What answers at once is not made to wait.
      if (result instanceof Promise) await result
      count += 1
    }
    now = performance.now()
  }
  return ((now - start) * 1_000) / count
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

/** @param {number | undefined} value */
function figure(value = 0) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
