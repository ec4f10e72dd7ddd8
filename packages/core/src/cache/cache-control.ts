import { closingQuote, isFieldName, listMembers, trimWhitespace } from './list.js'

/** The argument of a directive: `60` in `max-age=60`. */
interface Argument {
  readonly text: string
  readonly quoted: boolean
}

/** The directives of a `Cache-Control` field by lower-cased name, each with every argument it came with. */
export type Directives = ReadonlyMap<string, readonly (Argument | null)[]>

const NONE: Directives = new Map()

/** A larger number of seconds is read as this one (RFC 9111 1.2.2). */
export const MOST_SECONDS = 2_147_483_648

/** Reads the lines of a `Cache-Control` field (RFC 9111 5.2). Total: unknown and broken directives do no harm. */
export function parseDirectives(lines: readonly string[]): Directives {
  if (lines.length === 0) return NONE
  const directives = new Map<string, (Argument | null)[]>()
  for (const line of lines) {
    for (const member of listMembers(line)) {
      const [name, argument] = parseDirective(member)
      const known = directives.get(name)
      if (known === undefined) directives.set(name, [argument])
      else known.push(argument)
    }
  }
  return directives
}

/**
 * A number of seconds, or undefined when the directive is absent. What is no plain number, and two numbers that
 * differ, read as 0: stale (RFC 9111 4.2.1).
 */
export function secondsOf(directives: Directives, name: string): number | undefined {
  const [first, ...others] = (directives.get(name) ?? []).map(parseSeconds)
  return first === undefined || others.every((other) => other === first) ? first : 0
}

/**
 * The field names a directive is restricted to: `no-cache="set-cookie"`. Undefined when the directive is absent or
 * holds for the whole answer, as one with an unreadable list does.
 */
export function fieldNamesOf(directives: Directives, name: string): readonly string[] | undefined {
  const names: string[] = []
  for (const argument of directives.get(name) ?? []) {
    if (argument?.quoted !== true) return undefined
    const members = listMembers(argument.text)
    if (members.length === 0 || !members.every(isFieldName)) return undefined
    names.push(...members.map((member) => member.toLowerCase()))
  }
  return names.length === 0 ? undefined : names
}

/** Whether a directive holds for the whole answer: it is there, and not restricted to some fields. */
export function isUnqualified(directives: Directives, name: string): boolean {
  return directives.has(name) && fieldNamesOf(directives, name) === undefined
}

/** Whether a directive that permits something is there in its only legal form: without an argument. */
export function isPermitted(directives: Directives, name: string): boolean {
  return directives.get(name)?.every((argument) => argument === null) ?? false
}

function parseDirective(member: string): readonly [string, Argument | null] {
  const equals = member.indexOf('=')
  if (equals === -1) return [member.toLowerCase(), null]
  const name = trimWhitespace(member.slice(0, equals))
  const text = member.slice(equals + 1)
  // Whitespace around `=` is not allowed; kept in the text, it makes no number of it.
  if (name.length !== equals) return [name.toLowerCase(), { text: ` ${text}`, quoted: false }]
  if (text.startsWith('"') && closingQuote(text, 0) === text.length - 1 && text.length > 1) {
    return [name.toLowerCase(), { text: text.slice(1, -1).replaceAll(/\\(.)/g, '$1'), quoted: true }]
  }
  return [name.toLowerCase(), { text, quoted: false }]
}

function parseSeconds(argument: Argument | null): number {
  if (argument === null || !/^\d+$/.test(argument.text)) return 0
  return Math.min(Number(argument.text), MOST_SECONDS)
}
