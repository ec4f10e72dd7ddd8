import { type Incoming, isRefusal, type Refusal, refuse } from '@headgate/core'
import { isUtf8, readMediaType } from './accept.js'
import { isNestedDeeper } from './limits.js'

/** A well-formed GraphQL request. Absent and null are the same here (GraphQL over HTTP, request parameters). */
export interface Parameters {
  readonly query: string
  readonly operationName: string | undefined
  readonly variables: Readonly<Record<string, unknown>>
  readonly extensions: Readonly<Record<string, unknown>>
}

/** How much of a request is read. */
export interface ParameterLimits {
  /** Bytes of a body. */
  readonly bodyLimit: number
  /** A body parser in front of the gate has already undone the content coding. */
  readonly decoded: boolean
}

/** The methods that this endpoint offers. */
const METHODS = 'GET, HEAD, POST'

const MAPS = ['variables', 'extensions'] as const

/** Reads the parameters of a request: from the query of GET and HEAD, from the JSON body of POST. Never throws. */
export async function readParameters(
  incoming: Incoming,
  limits: ParameterLimits,
): Promise<Parameters | Refusal> {
  const { method } = incoming
  if (method === 'GET' || method === 'HEAD') return fromQuery(incoming.query)
  if (method === 'POST') return fromBody(incoming, limits)
  return refuse('method-not-allowed', { headers: { allow: METHODS } })
}

/**
 * Whether the maps are nested deeper than what walks them later can bear. It takes longer than parsing them: not done
 * before the caller is known.
 */
export function exceedsNesting(parameters: Parameters, maxDepth: number): Refusal | undefined {
  const name = MAPS.find((map) => isNestedDeeper(parameters[map], maxDepth))
  if (name === undefined) return undefined
  const detail = `The parameter '${name}' is nested deeper than ${maxDepth} levels.`
  return refuse('graphql-document-too-complex', { detail })
}

function fromQuery(query: string): Parameters | Refusal {
  const search = new URLSearchParams(query)
  const request: Record<string, unknown> = {}
  for (const name of ['query', 'operationName', ...MAPS]) {
    const [value = '', second] = search.getAll(name)
    // Two readers of one request would choose differently.
    if (second !== undefined) return malformed(`The parameter '${name}' was sent twice.`)
    if (value === '') continue
    const parsed = isMapName(name) ? parseJson(value) : { value }
    if (parsed === undefined) return malformed(`The parameter '${name}' is not JSON.`)
    request[name] = parsed.value
  }
  return check(request)
}

async function fromBody(incoming: Incoming, limits: ParameterLimits): Promise<Parameters | Refusal> {
  // Anything but JSON can be sent from a foreign page without a preflight: cross-site request forgery.
  const { type, parameters } = readMediaType(incoming.header('content-type') ?? '')
  if (type !== 'application/json' || !isUtf8(parameters)) {
    return refuse('media-type-unsupported', { headers: { accept: 'application/json' } })
  }
  const coding = incoming.header('content-encoding')?.toLowerCase() ?? 'identity'
  if (coding !== 'identity' && !limits.decoded) {
    return refuse('media-type-unsupported', { headers: { 'accept-encoding': 'identity' } })
  }
  const content = await incoming.body(limits.bodyLimit)
  if (isRefusal(content)) return content
  if (content.byteLength > limits.bodyLimit) return refuse('body-too-large')
  const text = decode(content)
  const parsed = text === undefined ? undefined : parseJson(text)
  if (parsed === undefined) return refuse('body-malformed')
  if (!isMap(parsed.value)) return malformed('The body must be a JSON object.')
  return check(parsed.value)
}

function check(request: Readonly<Record<string, unknown>>): Parameters | Refusal {
  const query = own(request, 'query')
  const operationName = own(request, 'operationName')
  if (query === undefined) return malformed("The parameter 'query' is missing.")
  if (typeof query !== 'string') return malformed("The parameter 'query' must be a string.")
  if (operationName !== undefined && typeof operationName !== 'string') {
    return malformed("The parameter 'operationName' must be a string.")
  }
  const [variables, extensions] = MAPS.map((name) => own(request, name) ?? {})
  if (!isMap(variables)) return malformed("The parameter 'variables' must be a map.")
  if (!isMap(extensions)) return malformed("The parameter 'extensions' must be a map.")
  return { query, operationName, variables, extensions }
}

function own(request: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(request, name) ? (request[name] ?? undefined) : undefined
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isMapName(name: string): boolean {
  return MAPS.some((map) => map === name)
}

function malformed(detail: string): Refusal {
  return refuse('graphql-request-malformed', { detail })
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function decode(content: Uint8Array): string | undefined {
  try {
    return UTF8.decode(content)
  } catch {
    return undefined
  }
}

/** Wrapped, because `null` is JSON too. */
function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}
