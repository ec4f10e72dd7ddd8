import { type Dictionary, parseDictionary, serializeDictionary } from 'structured-headers'

/** The longest dictionary that is read: five signatures with keys of 4096 bits. */
const LONGEST = 4_096

/**
 * Reads a dictionary (RFC 9651 3.2) that is written as its serialisation; only the space around commas is free.
 *
 * A parser takes the last of two members or parameters of one name, and base64 with stray bits: another reader of the
 * same bytes may take something else. Here both are refused.
 */
export function parseWrittenDictionary(text: string): Dictionary | undefined {
  if (text.length > LONGEST) return undefined
  let dictionary: Dictionary
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
