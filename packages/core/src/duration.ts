import { shown } from './options.js'

/** A length of time: milliseconds, or a number with a unit: `'500ms'`, `'30s'`, `'1m'`, `'12h'`, `'7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/**
 * Reads a duration as milliseconds.
 *
 * @param option the option's full name, for the error: `rateLimit: quotas[0].window`.
 * @throws TypeError when `value` is not a positive, finite duration.
 */
export function milliseconds(option: string, value: unknown): number {
  const parsed = typeof value === 'string' ? parse(value) : value
  if (typeof parsed !== 'number' || !Number.isFinite(parsed) || parsed <= 0) {
    throw new TypeError(
      `${option} must be a positive duration in milliseconds or like '500ms', '30s', '1m', '12h', '7d'; got ${shown(value)}`,
    )
  }
  return parsed
}

function parse(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  return match ? Number(match[1]) * (UNITS.get(match[2] ?? '') ?? Number.NaN) : Number.NaN
}
