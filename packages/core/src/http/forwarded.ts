/** The field in which proxies name who connected to them. */
export type ForwardingField = 'x-forwarded-for' | 'forwarded'

/** More than any chain of proxies needs; what lies beyond was written by the client. */
const MOST_ENTRIES = 30
const MOST_CHARACTERS = 4_096

/**
 * The entries of a forwarding field, the newest first; undefined for one that names no node.
 *
 * Read from the right and no further than asked: each proxy adds its entry at the right end, and whatever a client
 * wrote to the left of it (an open quote, a megabyte) must not change how the entry is read.
 */
export function* entriesFromRight(
  field: ForwardingField,
  lines: readonly string[],
): Generator<string | undefined> {
  const text = lines.join(',')
  const least = Math.max(0, text.length - MOST_CHARACTERS)
  const startOf = field === 'forwarded' ? elementStart : itemStart
  let end = text.length
  for (let count = 0; count < MOST_ENTRIES && end > 0; count += 1) {
    const start = startOf(text, end, least)
    if (start === undefined) return
    const entry = text.slice(start, end).trim()
    yield field === 'forwarded' ? parameterOf(entry, 'for') : entry
    end = start - 1
  }
}

/** How a client called a proxy, as far as the proxy says it. */
export interface Called {
  readonly protocol: string | undefined
  readonly host: string | undefined
}

/**
 * How the nearest proxy was called. It is asked in the words of the field that it writes: of a proxy that writes
 * `Forwarded`, an `X-Forwarded-Host` is what the client wrote.
 */
export function calledBy(field: ForwardingField, lines: (name: string) => readonly string[]): Called {
  if (field === 'x-forwarded-for') {
    return { protocol: lastItem(lines('x-forwarded-proto')), host: lastItem(lines('x-forwarded-host')) }
  }
  const text = lines(field).join(',')
  const start = elementStart(text, text.length, Math.max(0, text.length - MOST_CHARACTERS))
  if (start === undefined) return { protocol: undefined, host: undefined }
  const element = text.slice(start).trim()
  return { protocol: parameterOf(element, 'proto'), host: parameterOf(element, 'host') }
}

/** The item the nearest proxy wrote. */
function lastItem(lines: readonly string[]): string | undefined {
  const item = lines.join(',').split(',').at(-1)?.trim()
  return item === '' ? undefined : item
}

/** An entry that begins left of `least` is not read at all: half an address may be another one. */
function itemStart(text: string, end: number, least: number): number | undefined {
  for (let index = end - 1; index >= least; index -= 1) {
    if (text[index] === ',') return index + 1
  }
  return least === 0 ? 0 : undefined
}

/** Forwarded (RFC 7239 4): a comma inside a quoted string, such as a `host` the client chose, separates nothing. */
function elementStart(text: string, end: number, least: number): number | undefined {
  let quoted = false
  for (let index = end - 1; index >= least; index -= 1) {
    const character = text[index]
    if (character === ',' && !quoted) return index + 1
    if (character === '"' && !(quoted && isEscaped(text, index))) quoted = !quoted
  }
  return least === 0 && !quoted ? 0 : undefined
}

function isEscaped(text: string, index: number): boolean {
  let first = index
  while (text[first - 1] === '\\') first -= 1
  return (index - first) % 2 === 1
}

/** A pair and what separates it from the next; values that should be quoted (`for=192.0.2.1:80`) often are not. */
const PAIRS = /\s*([^\s=;,"]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*(?:;|$)/gy

/** A parameter of one element; undefined when it is empty, not there, or there twice, or the element is malformed. */
function parameterOf(element: string, parameter: string): string | undefined {
  const values: (string | undefined)[] = []
  let end = 0
  for (const [pair, name, quoted, token] of element.matchAll(PAIRS)) {
    if (name?.toLowerCase() === parameter) values.push(quoted?.replaceAll(/\\(.)/g, '$1') ?? token)
    end += pair.length
  }
  const [value] = values
  return end === element.length && values.length === 1 && value !== '' ? value : undefined
}
