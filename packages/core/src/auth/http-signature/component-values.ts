import {
  type Dictionary,
  isInnerList,
  parseDictionary,
  parseItem,
  parseList,
  serializeDictionary,
  serializeInnerList,
  serializeItem,
  serializeList,
} from 'structured-headers'
import type { Incoming } from '../../exchange.js'
import { type Component, type DerivedPart, isDerivedPart } from './component.js'

/** What a signature is made of. */
export type SignedMessage = Pick<Incoming, 'method' | 'origin' | 'path' | 'query' | 'lines'>

/** What a structured field (RFC 9651) is at the top. */
export type StructuredType = 'dictionary' | 'list' | 'item'

/** The structured types of fields, by their names in lower case. */
export type StructuredTypes = Readonly<Record<string, StructuredType>>

/** Registered structured fields of requests (IANA, HTTP Field Name Registry). */
export const STRUCTURED_TYPES = {
  'client-cert': 'item',
  'client-cert-chain': 'list',
  'content-digest': 'dictionary',
  'idempotency-key': 'item',
  priority: 'dictionary',
  'repr-digest': 'dictionary',
  signature: 'dictionary',
  'signature-input': 'dictionary',
  'want-content-digest': 'dictionary',
  'want-repr-digest': 'dictionary',
} as const satisfies StructuredTypes

/**
 * Gives the values of a request's components in the signature base (RFC 9421 2.1, 2.2). Undefined where the request
 * has none, or one that can't stand there. Whatever is named how often, the query and a field are parsed once.
 */
export function componentValues(
  message: SignedMessage,
  types: StructuredTypes,
): (component: Component) => string | undefined {
  let search: URLSearchParams | undefined
  const dictionaries = new Map<string, Dictionary>()

  return (component) => {
    try {
      const value = valueOf(component)
      return value !== undefined && IN_BASE.test(value) ? value : undefined
    } catch {
      return undefined // The parsers of structured fields throw.
    }
  }

  function valueOf({ name, parameters }: Component): string | undefined {
    if (isDerivedPart(name)) return DERIVED[name](message)
    if (name === '@query-param') return queryParameter(String(parameters.get('name')))
    const lines = message.lines(name)
    if (lines.length === 0) return undefined
    if (parameters.has('key')) return member(name, lines, String(parameters.get('key')))
    if (parameters.has('bs')) return lines.map(asBytes).join(', ')
    const value = combined(lines)
    if (!parameters.has('sf')) return value
    return reserialized(value, Object.hasOwn(types, name) ? types[name] : undefined)
  }

  /** One parameter by its encoded name (RFC 9421 2.2.8). One that stands twice can't be signed so. */
  function queryParameter(wanted: string): string | undefined {
    const [name = ''] = new URLSearchParams(`${wanted}=`).keys()
    if (encoded(name) !== wanted) return undefined
    search ??= new URLSearchParams(message.query)
    const values = search.getAll(name)
    return values.length === 1 ? encoded(values[0] ?? '') : undefined
  }

  function member(name: string, lines: readonly string[], key: string): string | undefined {
    const dictionary = dictionaries.get(name) ?? parseDictionary(combined(lines))
    dictionaries.set(name, dictionary)
    const found = dictionary.get(key)
    if (found === undefined) return undefined
    return isInnerList(found) ? serializeInnerList(found) : serializeItem(found)
  }
}

/** The base is ASCII and a value is one line of it (RFC 9421 2.5): else one base could be read in two ways. */
const IN_BASE = /^[\t\x20-\x7e]*$/

const DERIVED: Readonly<Record<DerivedPart, (message: SignedMessage) => string>> = {
  '@method': ({ method }) => method,
  '@target-uri': (message) => `${schemeOf(message)}://${authorityOf(message)}${requestTarget(message)}`,
  '@authority': authorityOf,
  '@scheme': schemeOf,
  '@request-target': requestTarget,
  '@path': ({ path }) => path,
  '@query': ({ query }) => `?${query}`,
}

function schemeOf({ origin }: SignedMessage): string {
  return origin.slice(0, origin.indexOf(':'))
}

/** Without the port that the scheme has anyway (RFC 9110 4.2.3). */
function authorityOf(message: SignedMessage): string {
  const scheme = schemeOf(message)
  const authority = message.origin.slice(scheme.length + 3)
  const port = scheme === 'https' ? ':443' : ':80'
  return authority.endsWith(port) ? authority.slice(0, -port.length) : authority
}

function requestTarget({ path, query }: SignedMessage): string {
  return query === '' ? path : `${path}?${query}`
}

/** As forms are encoded, but with `%20` for a space. */
function encoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1).replaceAll('+', '%20')
}

function combined(lines: readonly string[]): string {
  return lines.map(trimmed).join(', ')
}

function asBytes(line: string): string {
  return `:${Buffer.from(trimmed(line), 'latin1').toString('base64')}:`
}

/** Node has taken spaces and tabs away. `trim` alone would also take what is no space in a field. */
function trimmed(line: string): string {
  return IN_BASE.test(line) ? line.trim() : line
}

function reserialized(value: string, type: StructuredType | undefined): string | undefined {
  if (type === 'dictionary') return serializeDictionary(parseDictionary(value))
  if (type === 'list') return serializeList(parseList(value))
  return type === 'item' ? serializeItem(parseItem(value)) : undefined
}
