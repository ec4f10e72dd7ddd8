import { type InnerList, isInnerList, type Item, serializeInnerList } from 'structured-headers'
import { rejected, type Rejected } from '../scheme.js'
import { type Component, readComponent } from './component.js'
import { componentValues, type SignedMessage, type StructuredTypes } from './component-values.js'
import { parseWrittenDictionary, type StructuredDictionary } from './dictionary.js'

/** Each costs a search through the request's fields, before anybody is known. */
const MOST_COMPONENTS = 64

/** One signature of a request, read and not yet verified. */
export interface MessageSignature extends SignatureParameters {
  readonly components: readonly Component[]
  /** The value of `@signature-params`. */
  readonly written: string
  readonly bytes: Buffer
}

/** RFC 9421 2.3. Times are seconds since the Unix epoch. */
export interface SignatureParameters {
  readonly created: number
  readonly keyid: string
  readonly expires?: number
  readonly alg?: string
  readonly nonce?: string
  readonly tag?: string
}

/**
 * Reads the one signature with this tag, without a tag the one that has none. A signature that was made for another
 * application is none here, and of two nobody can say which counts.
 */
export function readSignature(
  message: Pick<SignedMessage, 'lines'>,
  tag: string | undefined,
): MessageSignature | Rejected {
  const inputs = parseWrittenDictionary(message.lines('signature-input').join(', '))
  const signatures = parseWrittenDictionary(message.lines('signature').join(', '))
  if (inputs === undefined || inputs.size === 0) return rejected('malformed', { at: 'signature-input' })
  if (signatures === undefined || !sameLabels(inputs, signatures)) {
    return rejected('malformed', { at: 'signature' })
  }
  const fitting = [...inputs].filter(([, [, parameters]]) => parameters.get('tag') === tag)
  const [[label, member] = []] = fitting
  if (fitting.length !== 1 || label === undefined) {
    return rejected(fitting.length === 0 ? 'wrong-type' : 'malformed', { at: 'tag' })
  }
  const bytes = bytesOf(signatures, label)
  if (bytes === undefined) return rejected('malformed', { at: 'signature' })
  const input = member as Item | InnerList
  if (!isInnerList(input)) return rejected('malformed', { at: 'signature-input' })
  return read(input, bytes)
}

/** Whether a request has a signature with this tag, told from its form alone. */
export function hasSignature(text: string, tag: string | undefined): boolean {
  const inputs = parseWrittenDictionary(text)
  return inputs !== undefined && [...inputs.values()].some(([, parameters]) => parameters.get('tag') === tag)
}

/** What is signed (RFC 9421 2.5). Undefined where a covered component has no value in the request. */
export function signatureBase(
  message: SignedMessage,
  components: readonly Component[],
  written: string,
  types: StructuredTypes,
): string | undefined {
  const valueOf = componentValues(message, types)
  let base = ''
  for (const component of components) {
    const value = valueOf(component)
    if (value === undefined) return undefined
    base += `${component.identifier}: ${value}\n`
  }
  return `${base}"@signature-params": ${written}`
}

function sameLabels(inputs: StructuredDictionary, signatures: StructuredDictionary): boolean {
  return inputs.size === signatures.size && [...inputs.keys()].every((label) => signatures.has(label))
}

function bytesOf(signatures: StructuredDictionary, label: string): Buffer | undefined {
  const [value, parameters] = signatures.get(label) ?? []
  return value instanceof ArrayBuffer && parameters?.size === 0 ? Buffer.from(value) : undefined
}

function read(input: InnerList, bytes: Buffer): MessageSignature | Rejected {
  if (input[0].length > MOST_COMPONENTS) return rejected('malformed', { at: 'components' })
  const components = new Map<string, Component>()
  for (const item of input[0]) {
    const component = readComponent(item)
    if (component === undefined) return rejected('malformed', { at: 'components' })
    components.set(component.identifier, component)
  }
  // Fewer are left where one stands twice.
  if (components.size !== input[0].length) return rejected('malformed', { at: 'components' })
  const parameters = readParameters(input[1])
  if ('verdict' in parameters) return parameters
  return { ...parameters, components: [...components.values()], written: serializeInnerList(input), bytes }
}

function readParameters(parameters: ReadonlyMap<string, unknown>): SignatureParameters | Rejected {
  for (const [name, value] of parameters) {
    if (!Object.hasOwn(PARAMETERS, name) || !PARAMETERS[name as keyof typeof PARAMETERS](value)) {
      return rejected('malformed', { at: 'parameters' })
    }
  }
  for (const name of ['created', 'keyid']) {
    if (!parameters.has(name)) return rejected('claim-missing', { at: name })
  }
  return Object.fromEntries(parameters) as unknown as SignatureParameters
}

/** All that is known of RFC 9421 2.3. What another one demands is not known, so it is refused. */
const PARAMETERS = {
  created: isTime,
  expires: isTime,
  keyid: (value: unknown) => isText(value) && value !== '' && value.length <= 256,
  alg: isText,
  nonce: isText,
  tag: isText,
} as const

function isTime(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
