/** Header fields of a reply: lower-cased names; an array is several field lines. */
export type Fields = Readonly<Record<string, string | readonly string[]>>

/** The lines of a field. */
export function linesOf(headers: Fields, name: string): readonly string[] {
  const value = headers[name]
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}
