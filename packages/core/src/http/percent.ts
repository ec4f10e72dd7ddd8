const UNRESERVED = /^[A-Za-z0-9\-._~]$/

/**
 * Percent-encoding in one form (RFC 3986 6.2.2): what needs none has none, hexadecimal digits are upper case. Safe
 * under every reading of `+`, `a` and `a=` in a query.
 */
export function normalPercent(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
    return UNRESERVED.test(character) ? character : triplet.toUpperCase()
  })
}
