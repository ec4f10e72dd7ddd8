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
    return rewrite(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** Walks a text that is known to be JSON. */
function rewrite(text: string): string {
  let at = 0

  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0] ?? ''
    at += found.length
    return found
  }

  /** Steps over one of `{ [ , :` and reports whether it was there. */
  const step = (character: string): boolean => {
    skip(SPACE)
    if (text[at] !== character) return false
    at += 1
    return true
  }

  const value = (depth: number): string => {
    if (depth > DEEPEST) throw new SyntaxError('nested too deeply')
    skip(SPACE)
    switch (text[at]) {
      case '{':
        return object(depth)
      case '[':
        return array(depth)
      case '"':
        return string()
      case 't':
        return literal('true')
      case 'f':
        return literal('false')
      case 'n':
        return literal('null')
      default:
        return decimal(skip(NUMBER))
    }
  }

  const literal = (name: string): string => {
    at += name.length
    return name
  }

  const array = (depth: number): string => {
    const items: string[] = []
    at += 1
    if (step(']')) return '[]'
    do items.push(value(depth + 1))
    while (step(','))
    step(']')
    return `[${items.join(',')}]`
  }

  const object = (depth: number): string => {
    const members: { name: string; value: string }[] = []
    at += 1
    if (step('}')) return '{}'
    do {
      skip(SPACE)
      const name = string()
      step(':')
      members.push({ name, value: value(depth + 1) })
    } while (step(','))
    step('}')
    members.sort((a, b) => (a.name < b.name ? -1 : 1))
    if (members.some(({ name }, index) => name === members[index - 1]?.name)) {
      throw new SyntaxError('a member name is repeated')
    }
    return `{${members.map((member) => `${member.name}:${member.value}`).join(',')}}`
  }

  const string = (): string => {
    const start = at
    do at = text.indexOf('"', at + 1)
    while (isEscaped(text, at))
    at += 1
    const raw = text.slice(start, at)
    if (!raw.includes('\\')) return raw
    const parsed = JSON.parse(raw) as string
    if (!parsed.isWellFormed()) throw new SyntaxError('a string holds a lone surrogate')
    return JSON.stringify(parsed)
  }

  return value(0)
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
