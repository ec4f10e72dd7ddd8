import type { OutgoingHttpHeader, ServerResponse } from 'node:http'
import type { Fields } from '../exchange.js'

/** The fields on a response, as a plain record of lower-cased names. */
export function readFields(response: ServerResponse): Record<string, string | readonly string[]> {
  const fields: Record<string, string | readonly string[]> = {}
  for (const name of response.getHeaderNames()) {
    const value = response.getHeader(name)
    if (value !== undefined) fields[name] = toField(value)
  }
  return fields
}

/** The fields that were set or changed since `before`: the handler's own, without those of outer middleware. */
export function fieldsSince(before: Fields, response: ServerResponse): Fields {
  const fields = readFields(response)
  for (const name of Object.keys(before)) {
    if (String(fields[name]) === String(before[name])) delete fields[name]
  }
  return fields
}

/** Makes the response carry exactly `outer` and, where both have one, rather `fields`. */
export function writeFields(response: ServerResponse, outer: Fields, fields: Fields): void {
  for (const name of response.getHeaderNames()) {
    if (!Object.hasOwn(fields, name) && !Object.hasOwn(outer, name)) response.removeHeader(name)
  }
  for (const [name, value] of Object.entries(outer)) {
    if (!Object.hasOwn(fields, name)) response.setHeader(name, value)
  }
  for (const [name, value] of Object.entries(fields)) response.setHeader(name, value)
}

function toField(value: OutgoingHttpHeader): string | readonly string[] {
  return typeof value === 'number' ? String(value) : value
}
