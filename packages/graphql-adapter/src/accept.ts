/** The media types of an answer: the one made for GraphQL, and the one that every client knows. */
export type MediaType = 'application/graphql-response+json' | 'application/json'

/** What clients get that do not say what they want (GraphQL over HTTP, audits 47DE and 80D8). */
export const DEFAULT_MEDIA_TYPE: MediaType = 'application/json'

/** In the order of preference where the client has none. */
const OFFERED: readonly MediaType[] = [DEFAULT_MEDIA_TYPE, 'application/graphql-response+json']

interface Range {
  readonly type: string
  readonly weight: number
}

/**
 * Chooses the media type of the answer (RFC 9110 12.5.1): the most specific range that fits a type gives its weight,
 * the heaviest type wins, then the one named more exactly, then the one named first.
 *
 * @returns undefined when the client accepts neither.
 */
export function negotiate(accept: string | undefined): MediaType | undefined {
  if (accept === undefined || isAnything(accept)) return DEFAULT_MEDIA_TYPE
  const ranges = readRanges(accept)
  let best: { type: MediaType; weight: number; specificity: number; place: number } | undefined
  for (const type of OFFERED) {
    const place = mostSpecific(ranges, type)
    const range = ranges[place]
    if (range === undefined || range.weight === 0) continue
    const found = { type, weight: range.weight, specificity: specificityOf(range.type), place }
    if (best === undefined || isBetter(found, best)) best = found
  }
  return best?.type
}

/** Whether a client takes a type, if need be in place of one that it likes better. */
export function isAccepted(accept: string | undefined, type: MediaType): boolean {
  if (accept === undefined || isAnything(accept)) return true
  const ranges = readRanges(accept)
  return (ranges[mostSpecific(ranges, type)]?.weight ?? 0) > 0
}

function isAnything(accept: string): boolean {
  return accept === '*/*' || accept.trim() === ''
}

function readRanges(accept: string): readonly Range[] {
  return accept.split(',').flatMap(readRange)
}

function isBetter(
  a: { weight: number; specificity: number; place: number },
  b: { weight: number; specificity: number; place: number },
): boolean {
  if (a.weight !== b.weight) return a.weight > b.weight
  if (a.specificity !== b.specificity) return a.specificity > b.specificity
  return a.place < b.place
}

function mostSpecific(ranges: readonly Range[], type: MediaType): number {
  for (const candidate of [type, 'application/*', '*/*']) {
    const place = ranges.findIndex((range) => range.type === candidate)
    if (place !== -1) return place
  }
  return -1
}

function specificityOf(range: string): number {
  if (range === '*/*') return 0
  return range === 'application/*' ? 1 : 2
}

/** A range whose charset is not UTF-8 fits nothing: JSON has no other (RFC 8259 8.1). */
function readRange(item: string): readonly Range[] {
  const { type, parameters } = readMediaType(item)
  if (!isUtf8(parameters)) return []
  const weight = Number(parameters.get('q') ?? 1)
  return Number.isNaN(weight) ? [] : [{ type, weight: Math.min(Math.max(weight, 0), 1) }]
}

/** Reads `type/subtype; name=value; ...`, lower-cased, in any order of parameters. */
export function readMediaType(text: string): {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
} {
  const [type = '', ...rest] = text.toLowerCase().split(';')
  const parameters = new Map<string, string>()
  for (const parameter of rest) {
    const [name = '', value = ''] = parameter.split('=')
    parameters.set(name.trim(), value.trim().replaceAll('"', ''))
  }
  return { type: type.trim(), parameters }
}

/** Whether a media type's charset is the one that JSON has, or is not said. */
export function isUtf8(parameters: ReadonlyMap<string, string>): boolean {
  const charset = parameters.get('charset')
  return charset === undefined || charset === 'utf-8' || charset === 'utf8'
}
