import { type Clock, systemClock } from '../../clock.js'
import { type Duration, milliseconds } from '../../duration.js'
import {
  checkChoice,
  checkFunction,
  checkInteger,
  checkKnown,
  checkMethods,
  checkText,
} from '../../options.js'
import { checkTolerance } from '../clock-tolerance.js'
import type { ReplayStore } from '../replay-store.js'
import { type Audience, audienceOf } from './audience.js'
import { isDerivedPart, isFieldName } from './component.js'
import { STRUCTURED_TYPES, type StructuredType, type StructuredTypes } from './component-values.js'
import type { SignatureKeyLookup } from './signature-key.js'

/** Settings of `httpSignature`. */
export interface HttpSignatureOptions {
  /** Finds a key by its id; asked on every request. What it throws is answered with 503. Required. */
  readonly lookup: SignatureKeyLookup
  /**
   * The origins that clients call: `'https://api.example'`. A signature for another is bad, whatever a request says of
   * itself: what one service was sent is no good at another. `'request'`: the request's own, from `Host`, for services of
   * many names whose `Host` was checked before. Required.
   */
  readonly origin: string | readonly string[]
  /** Remembers signatures, so that each is good once. `'allowed'`: each is good until it ends. Required. */
  readonly replay: ReplayStore | 'allowed'
  /**
   * What must be covered: derived parts always, fields where the request has them. Content is a matter of `content`.
   * Default `['@method', '@target-uri', 'idempotency-key']`.
   */
  readonly components?: readonly string[]
  /** `'signed'`: content must have a digest that is covered. `'ignored'`: it is not looked at. Default `'signed'`. */
  readonly content?: 'signed' | 'ignored'
  /** The longest content that is read to be checked, in bytes. Default 1048576 (1 MiB). */
  readonly maxContentBytes?: number
  /** How long a signature is good after `created`, unless its own `expires` comes first. Default `'1m'`. */
  readonly maxAge?: Duration
  /** How far clocks may differ. At most 5 minutes. Default `'30s'`. */
  readonly clockTolerance?: Duration
  /** `'required'`: signatures without a nonce are refused. Default `'optional'`. */
  readonly nonce?: 'required' | 'optional'
  /** The application signatures are made for. Default: those without a tag, and no others. */
  readonly tag?: string
  /** The structured types of fields of your own, for `sf`. Default: the registered ones are known. */
  readonly structuredFields?: Readonly<Record<string, StructuredType>>
  /** How long `lookup` and the replay store may take, each, before the client gets 503. Default `'250ms'`. */
  readonly deadline?: Duration
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** The defaults of {@link HttpSignatureOptions}. */
export const HTTP_SIGNATURE_DEFAULTS = {
  components: ['@method', '@target-uri', 'idempotency-key'],
  content: 'signed',
  maxContentBytes: 1_048_576,
  maxAge: '1m',
  clockTolerance: '30s',
  nonce: 'optional',
  deadline: '250ms',
} as const

/** Settings that were checked. Times are milliseconds. */
export interface HttpSignatureSettings {
  readonly lookup: SignatureKeyLookup
  readonly audience: Audience
  readonly replay: ReplayStore | undefined
  readonly components: readonly string[]
  readonly content: 'signed' | 'ignored'
  readonly maxContentBytes: number
  readonly maxAge: number
  readonly tolerance: number
  readonly nonce: 'required' | 'optional'
  readonly tag: string | undefined
  readonly types: StructuredTypes
  readonly deadline: number
  readonly clock: Clock
}

const KNOWN: readonly (keyof HttpSignatureOptions)[] = [
  'lookup',
  'origin',
  'replay',
  'components',
  'content',
  'maxContentBytes',
  'maxAge',
  'clockTolerance',
  'nonce',
  'tag',
  'structuredFields',
  'deadline',
  'clock',
]

/** @throws TypeError that names the option. */
export function checkHttpSignatureOptions(options: HttpSignatureOptions): HttpSignatureSettings {
  checkKnown('httpSignature', options, KNOWN)
  const { lookup, replay, tag, clock, structuredFields, ...rest } = {
    ...HTTP_SIGNATURE_DEFAULTS,
    clock: systemClock,
    ...options,
  }
  checkFunction('httpSignature: lookup', lookup)
  if (replay !== 'allowed') checkMethods("httpSignature: replay (or 'allowed')", replay, ['remember'])
  checkMethods('httpSignature: clock', clock, ['now', 'after'])
  const tolerance = checkTolerance('httpSignature: clockTolerance', rest.clockTolerance)
  return {
    lookup,
    audience: audienceOf(options.origin),
    replay: replay === 'allowed' ? undefined : replay,
    components: checkComponents(rest.components),
    content: checkChoice('httpSignature: content', rest.content, ['signed', 'ignored']),
    maxContentBytes: checkInteger('httpSignature: maxContentBytes', rest.maxContentBytes),
    maxAge: milliseconds('httpSignature: maxAge', rest.maxAge),
    tolerance,
    nonce: checkChoice('httpSignature: nonce', rest.nonce, ['required', 'optional']),
    tag: tag === undefined ? undefined : checkText('httpSignature: tag', tag),
    types: { ...STRUCTURED_TYPES, ...checkTypes(structuredFields ?? {}) },
    deadline: milliseconds('httpSignature: deadline', rest.deadline),
    clock,
  }
}

/** A signature that must cover nothing says nothing about the request. */
function checkComponents(components: readonly string[]): readonly string[] {
  if (!Array.isArray(components) || components.length === 0) {
    throw new TypeError('httpSignature: components must be an array with at least one name')
  }
  components.forEach((name: unknown, index) => {
    if (typeof name === 'string' && (isDerivedPart(name) || isFieldName(name))) return
    throw new TypeError(
      `httpSignature: components[${index}] must be a lower-case field name, or a derived part such as '@method'`,
    )
  })
  return [...components]
}

function checkTypes(types: StructuredTypes): StructuredTypes {
  if (typeof types !== 'object' || types === null) {
    throw new TypeError('httpSignature: structuredFields must be an object')
  }
  for (const [name, type] of Object.entries(types)) {
    if (!isFieldName(name))
      throw new TypeError('httpSignature: structuredFields must name fields in lower case')
    checkChoice(`httpSignature: structuredFields['${name}']`, type, ['dictionary', 'list', 'item'])
  }
  return types
}
