/** Nesting beyond this is not followed. */
const DEEPEST = 128

/**
 * Writes a JSON text in one spelling: members sorted, no insignificant space, one form for every escape and number.
 *
 * Numbers are compared as the decimals they are. Parsed ones would make 9007199254740993 equal to 9007199254740992,
 * and a changed amount would get the answer to another.
 *
 * @returns undefined for a text whose meaning depends on its parser: a repeated member name, a lone surrogate, very
 *   deep nesting; and for one that is not JSON.
 */
export function canonicalJson(text: string): string | undefined {
  try {
    JSON.parse(text)
    return value({ text, at: 0 }, 0)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const SPACE = /[ \t\n\r]*/y
const LITERAL = /[a-z]+/y
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** A place in a text that is known to be JSON. Every reader below moves it on. */
interface Cursor {
  readonly text: string
  at: number
}

function value(cursor: Cursor, depth: number): string {
  if (depth > DEEPEST) throw new SyntaxError('nested too deeply')
  skip(cursor, SPACE)
  switch (cursor.text[cursor.at]) {
    case '{':
      return object(cursor, depth)
    case '[':
      return array(cursor, depth)
    case '"':
      return string(cursor)
    case 't':
    case 'f':
    case 'n':
      return skip(cursor, LITERAL)
    default:
      return decimal(skip(cursor, NUMBER))
  }
}

function array(cursor: Cursor, depth: number): string {
  const items: string[] = []
  step(cursor, '[')
  if (step(cursor, ']')) return '[]'
  do items.push(value(cursor, depth + 1))
  while (step(cursor, ','))
  step(cursor, ']')
  return `[${items.join(',')}]`
}

function object(cursor: Cursor, depth: number): string {
  const members: { name: string; value: string }[] = []
  step(cursor, '{')
  if (step(cursor, '}')) return '{}'
  do {
    skip(cursor, SPACE)
    const name = string(cursor)
    step(cursor, ':')
    members.push({ name, value: value(cursor, depth + 1) })
  } while (step(cursor, ','))
  step(cursor, '}')
  members.sort((a, b) => (a.name < b.name ? -1 : 1))
  if (members.some(({ name }, index) => name === members[index - 1]?.name)) {
    throw new SyntaxError('a member name is repeated')
  }
  return `{${members.map((member) => `${member.name}:${member.value}`).join(',')}}`
}

function string(cursor: Cursor): string {
  const { text, at: start } = cursor
  let end = start
  do end = text.indexOf('"', end + 1)
  while (isEscaped(text, end))
  cursor.at = end + 1
  const raw = text.slice(start, end + 1)
  if (!raw.includes('\\')) return raw
  const parsed = JSON.parse(raw) as string
  if (!parsed.isWellFormed()) throw new SyntaxError('a string holds a lone surrogate')
  return JSON.stringify(parsed)
}

/** Steps over one of `{ } [ ] , :` and reports whether it was there. */
function step(cursor: Cursor, character: string): boolean {
  skip(cursor, SPACE)
  if (cursor.text[cursor.at] !== character) return false
  cursor.at += 1
  return true
}

function skip(cursor: Cursor, pattern: RegExp): string {
  pattern.lastIndex = cursor.at
  const found = pattern.exec(cursor.text)?.[0] ?? ''
  cursor.at += found.length
  return found
}

function isEscaped(text: string, quote: number): boolean {
  let before = quote
  while (text[before - 1] === '\\') before -= 1
  return (quote - before) % 2 === 1
}

/** A decimal's digits without zeros at either end, and its exponent: `1`, `1.0` and `1e0` are all `1e0`. */
function decimal(token: string): string {
  const negative = token.startsWith('-')
  const [mantissa = '', exponent = '0'] = token.slice(negative ? 1 : 0).split(/[eE]/)
  const [whole = '', fraction = ''] = mantissa.split('.')
  const digits = whole + fraction
  let first = 0
  while (digits[first] === '0') first += 1
  let end = digits.length
  while (end > first && digits[end - 1] === '0') end -= 1
  if (first === end) return '0'
  const power = Number(exponent) + whole.length - end
  if (!Number.isSafeInteger(power)) throw new SyntaxError('the exponent is not exact')
  return `${negative ? '-' : ''}${digits.slice(first, end)}e${power}`
}
