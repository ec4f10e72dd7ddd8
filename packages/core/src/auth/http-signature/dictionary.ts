import { parseDictionary, serializeDictionary } from 'structured-headers'

/** An item (RFC 9651 3.3). Not the parser's own type, which names one of the DOM library where it is exported. */
export type StructuredItem = readonly [value: unknown, parameters: ReadonlyMap<string, unknown>]
/** An inner list (RFC 9651 3.1.1). */
export type StructuredList = readonly [
  items: readonly StructuredItem[],
  parameters: ReadonlyMap<string, unknown>,
]
/** A dictionary (RFC 9651 3.2). */
export type StructuredDictionary = ReadonlyMap<string, StructuredItem | StructuredList>

/** The longest dictionary that is read: five signatures with keys of 4096 bits. */
const LONGEST = 4_096

/**
 * Reads a dictionary (RFC 9651 3.2) that is written as its serialisation; only the space around commas is free.
 *
 * A parser takes the last of two members or parameters of one name, and base64 with stray bits: another reader of the
 * same bytes may take something else. Here both are refused.
 */
export function parseWrittenDictionary(text: string): StructuredDictionary | undefined {
  if (text.length > LONGEST) return undefined
  let dictionary: ReturnType<typeof parseDictionary>
  try {
    dictionary = parseDictionary(text)
  } catch {
    return undefined
  }
  let rest = text
  for (const [name, member] of dictionary) {
    const written = serializeDictionary(new Map([[name, member]]))
    if (!rest.startsWith(written)) return undefined
    rest = rest.slice(written.length).replace(/^[ \t]*,[ \t]*/, '')
  }
  return rest === '' ? dictionary : undefined
}
