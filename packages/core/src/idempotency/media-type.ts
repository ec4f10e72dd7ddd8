/** A `Content-Type`, as far as a fingerprint depends on it. */
export interface MediaType {
  /** Lower-cased type and subtype; empty when the field is missing or can't be parsed. */
  readonly essence: string
  /** The whole in one spelling, without the boundary. The field as sent when it can't be parsed. */
  readonly text: string
  /** The delimiter of a multipart body: random on every encoding, so no part of what makes two requests equal. */
  readonly boundary: string | undefined
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const ESSENCE = new RegExp(`^(${TOKEN}/${TOKEN})[ \\t]*`)
const PARAMETER = new RegExp(`;[ \\t]*(${TOKEN})=(?:(${TOKEN})|"([^"\\\\]*)")[ \\t]*`, 'y')

/** Reads a media type (RFC 9110 8.3.1). Total: what it can't read is kept as it is. */
export function parseMediaType(field: string): MediaType {
  const unread: MediaType = { essence: '', text: field, boundary: undefined }
  const match = ESSENCE.exec(field)
  if (match === null) return unread
  const essence = (match[1] ?? '').toLowerCase()
  const parameters: string[] = []
  let boundary: string | undefined
  let end = match[0].length
  while (end < field.length) {
    PARAMETER.lastIndex = end
    const parameter = PARAMETER.exec(field)
    if (parameter === null) return unread
    end = PARAMETER.lastIndex
    const name = (parameter[1] ?? '').toLowerCase()
    const value = parameter[2] ?? parameter[3] ?? ''
    if (name === 'boundary' && boundary === undefined) boundary = value
    else if (name === 'charset') parameters.push(...charset(essence, value.toLowerCase()))
    else parameters.push(`;${name}=${JSON.stringify(value)}`)
  }
  return { essence, text: essence + parameters.toSorted().join(''), boundary }
}

/** Whether content of this type is JSON (RFC 6839 3.1). */
export function isJson({ essence }: MediaType): boolean {
  return essence === 'application/json' || essence.endsWith('+json')
}

/** JSON is UTF-8 and the parameter has no meaning for it (RFC 8259 8.1, 11). */
function charset(essence: string, value: string): readonly string[] {
  if (value === 'utf-8' && (essence === 'application/json' || essence.endsWith('+json'))) return []
  return [`;charset="${value}"`]
}
