import type { OutgoingHttpHeader, ServerResponse } from 'node:http'
import type { Fields } from '../fields.js'

/** The fields on a response, as a plain record of lower-cased names. */
export function readFields(response: ServerResponse): Record<string, string | readonly string[]> {
  const fields: Record<string, string | readonly string[]> = {}
  for (const name of response.getHeaderNames()) {
    const value = response.getHeader(name)
    if (value !== undefined) fields[name] = toField(value)
  }
  return fields
}

/**
 * What outer middleware says of freshness, and of what it chose by, holds for the handler's answer, also where the
 * handler says the same: a policy that did not see `no-store` would keep the answer, one that did not see
 * `Accept-Language` would give it to all.
 */
const INHERITED: ReadonlySet<string> = new Set(['cache-control', 'expires', 'vary'])

/** The fields that were set or changed since `before`: the handler's own, without those of outer middleware. */
export function fieldsSince(before: Fields, response: ServerResponse): Fields {
  const fields = readFields(response)
  for (const name of Object.keys(before)) {
    if (!INHERITED.has(name) && String(fields[name]) === String(before[name])) delete fields[name]
  }
  return fields
}

/**
 * Makes the response carry exactly `outer` and, where both have one, rather `fields`. Of `Vary` it needs both.
 *
 * @param known a field that is right as it stands on the response.
 */
export function writeFields(response: ServerResponse, outer: Fields, fields: Fields, known?: string): void {
  for (const name of response.getHeaderNames()) {
    if (name === known || Object.hasOwn(fields, name) || Object.hasOwn(outer, name)) continue
    response.removeHeader(name)
  }
  // Names and values only: entries of it all cost every request 3 KB.
  for (const name of Object.keys(outer)) {
    if (name !== known && !Object.hasOwn(fields, name)) setField(response, name, outer[name])
  }
  for (const name of Object.keys(fields)) {
    if (name !== known) setField(response, name, fields[name])
  }
  if (outer['vary'] !== undefined && fields['vary'] !== undefined) {
    response.setHeader('vary', union(outer['vary'], fields['vary']))
  }
}

/** Node checks every character of a value that is set; most of outer middleware's stand there already. */
function setField(response: ServerResponse, name: string, value: Fields[string] | undefined): void {
  if (value !== undefined && response.getHeader(name) !== value) response.setHeader(name, value)
}

/** The members of two lists of field names, in order. */
function union(...lists: readonly Fields[string][]): string {
  const members = lists.flat().flatMap((line) => line.split(','))
  return [...new Map(members.map((member) => [member.trim().toLowerCase(), member.trim()])).values()].join(
    ', ',
  )
}

function toField(value: OutgoingHttpHeader): string | readonly string[] {
  return typeof value === 'number' ? String(value) : value
}
