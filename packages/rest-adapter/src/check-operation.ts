import {
  checkChoice,
  checkDeclaration,
  checkFunction,
  checkInteger,
  checkKnown,
  checkText,
  DECLARATION_MEMBERS,
} from '@headgate/core'

const OWN = [
  'name',
  'effect',
  'tags',
  'invalidates',
  'body',
  'params',
  'query',
  'bodyLimit',
  'mediaTypes',
] as const

/**
 * Checks a declaration once, when the route is made.
 *
 * @throws TypeError that names the option.
 */
export function checkOperation(declaration: object): void {
  checkKnown('operation', declaration, [...OWN, ...DECLARATION_MEMBERS])
  checkDeclaration((member) => `operation: ${member}`, declaration)
  const given: Partial<Record<(typeof OWN)[number] | 'idempotency', unknown>> = declaration
  for (const name of OWN) if (Object.hasOwn(given, name)) CHECKS[name](given[name])
  if (given.mediaTypes !== undefined && given.body === undefined) {
    throw new TypeError('operation: mediaTypes says nothing without body')
  }
  if (given.effect === 'read' && given.idempotency === 'required') {
    throw new TypeError("operation: idempotency 'required' has no effect on a read")
  }
}

const CHECKS: Readonly<Record<(typeof OWN)[number], (value: unknown) => void>> = {
  name: (value) => checkText('operation: name', value),
  effect: (value) => checkChoice('operation: effect', value, ['read', 'write']),
  tags: (value) => checkFunction('operation: tags', value),
  invalidates: (value) => checkFunction('operation: invalidates', value),
  body: (value) => checkSchema('operation: body', value),
  params: (value) => checkSchema('operation: params', value),
  query: (value) => checkSchema('operation: query', value),
  bodyLimit: (value) => checkInteger('operation: bodyLimit', value),
  mediaTypes: checkMediaTypes,
}

function checkSchema(option: string, schema: unknown): void {
  const standard = (
    schema as { '~standard'?: { version?: unknown; validate?: unknown } } | undefined | null
  )?.['~standard']
  if (standard?.version !== 1 || typeof standard.validate !== 'function') {
    throw new TypeError(`${option} must be a Standard Schema (zod, valibot, arktype, ...)`)
  }
}

function checkMediaTypes(types: unknown): void {
  if (!isListOf(types, isJsonType)) {
    throw new TypeError(
      "operation: mediaTypes must be a list of JSON types in lower case: 'application/json', 'application/...+json'",
    )
  }
}

function isListOf(value: unknown, test: (item: unknown) => boolean): value is unknown[] {
  return Array.isArray(value) && value.length > 0 && value.every(test)
}

function isJsonType(value: unknown): boolean {
  return typeof value === 'string' && /^[a-z]+\/(?:[a-z0-9!#$&^_.-]+\+)?json$/.test(value)
}
