/**
 * The members of a comma-separated field line (RFC 9110 5.6.1), without empty ones and outer whitespace.
 * A comma inside a quoted string does not split.
 *
 * A quote that is never closed protects nothing: `a="b, no-store` still holds `no-store`. Linear in any input.
 */
export function listMembers(line: string): readonly string[] {
  const members: string[] = []
  let start = 0
  let quotes = true
  for (let index = 0; index <= line.length; index += 1) {
    const character = line[index]
    if (character === '"' && quotes) {
      const close = closingQuote(line, index)
      if (close === -1) quotes = false
      else index = close
    } else if (character === ',' || character === undefined) {
      const member = trimWhitespace(line.slice(start, index))
      if (member !== '') members.push(member)
      start = index + 1
    }
  }
  return members
}

/** Where the quoted string that opens at `open` closes, or -1. */
export function closingQuote(text: string, open: number): number {
  for (let index = open + 1; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1
    else if (text[index] === '"') return index
  }
  return -1
}

/** Without spaces and tabs at both ends. `trim()` would take characters that belong to a value. */
export function trimWhitespace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isWhitespace(text.charCodeAt(start))) start += 1
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

/** Whether a text is a field name (a `token`, RFC 9110 5.6.2). */
export function isFieldName(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09
}
