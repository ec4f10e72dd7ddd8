/**
 * Checks that `options` is an object with known members only: a typo must not switch a protection off in silence.
 *
 * @param owner the factory's name, for the error.
 * @throws TypeError that names the unknown option.
 */
export function checkKnown(owner: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const what = owner.includes(':') ? owner : `${owner}: options`
    throw new TypeError(`${what} must be an object; known are ${known.join(', ')}`)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TypeError(`${owner}: unknown option '${name}'; known are ${known.join(', ')}`)
    }
  }
}

/** @throws TypeError when `value` is not an integer from `least` (default 1) to `most` (default: no bound). */
export function checkInteger(option: string, value: unknown, least = 1, most = Infinity): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
    return value
  const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`
  throw new TypeError(`${option} must be an integer ${range}; got ${shown(value)}`)
}

/** @throws TypeError when `value` is none of `choices`. */
export function checkChoice<T extends string>(option: string, value: unknown, choices: readonly T[]): T {
  if (!choices.includes(value as T)) {
    throw new TypeError(`${option} must be one of ${choices.map((choice) => `'${choice}'`).join(', ')}`)
  }
  return value as T
}

/** @throws TypeError when `value` is not a function. */
export function checkFunction(option: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`${option} must be a function`)
}

/** @throws TypeError when `value` is not a string with at least one character. */
export function checkText(option: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${option} must be a non-empty string`)
  return value
}

/** @throws TypeError when `value` lacks one of the `methods` a store or scheme must have. */
export function checkMethods(option: string, value: unknown, methods: readonly string[]): void {
  for (const method of methods) {
    if (typeof (value as Record<string, unknown> | null | undefined)?.[method] !== 'function') {
      throw new TypeError(`${option} is required and must have the methods ${methods.join(', ')}`)
    }
  }
}

/** A value in an error: text in quotes, so that `'10'` is not taken for 10. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
