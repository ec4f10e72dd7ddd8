import { checkChoice, checkFunction, checkInteger, checkKnown, checkText, milliseconds } from '@headgate/core'

const KNOWN = [
  'name',
  'access',
  'scopes',
  'cost',
  'effect',
  'idempotency',
  'cache',
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
export function checkDeclaration(declaration: object): void {
  checkKnown('operation', declaration, KNOWN)
  const given: Partial<Record<(typeof KNOWN)[number], unknown>> = declaration
  // An undefined member is a mistake too: `scopes: config.scopes` must not open a door where the name is misspelt.
  for (const name of KNOWN) if (Object.hasOwn(given, name)) CHECKS[name](given[name])
  if (given.access === 'anonymous' && given.scopes !== undefined) {
    throw new TypeError("operation: scopes can't be demanded where access is 'anonymous'")
  }
  if (given.mediaTypes !== undefined && given.body === undefined) {
    throw new TypeError('operation: mediaTypes says nothing without body')
  }
  if (given.effect === 'read' && given.idempotency === 'required') {
    throw new TypeError("operation: idempotency 'required' has no effect on a read")
  }
}

const CHECKS: Readonly<Record<(typeof KNOWN)[number], (value: unknown) => void>> = {
  name: (value) => checkText('operation: name', value),
  access: (value) => checkChoice('operation: access', value, ['required', 'optional', 'anonymous']),
  scopes: checkScopes,
  cost: (value) => checkInteger('operation: cost', value),
  effect: (value) => checkChoice('operation: effect', value, ['read', 'write']),
  idempotency: (value) => checkChoice('operation: idempotency', value, ['required', 'optional', 'off']),
  cache: checkCache,
  tags: (value) => checkFunction('operation: tags', value),
  invalidates: (value) => checkFunction('operation: invalidates', value),
  body: (value) => checkSchema('operation: body', value),
  params: (value) => checkSchema('operation: params', value),
  query: (value) => checkSchema('operation: query', value),
  bodyLimit: (value) => checkInteger('operation: bodyLimit', value),
  mediaTypes: checkMediaTypes,
}

/** An empty list would let everybody in where somebody meant to close a door. */
function checkScopes(scopes: unknown): void {
  const alternatives = isListOf(scopes, Array.isArray) ? scopes : [scopes]
  if (!alternatives.every((all) => isListOf(all, isScope))) {
    throw new TypeError(
      'operation: scopes must be a list of scopes, or a list of such lists; none of them empty, no spaces or quotes',
    )
  }
}

function checkCache(rule: unknown): void {
  if (rule === 'off') return
  checkKnown('operation: cache', rule, ['ttl', 'public', 'vary'])
  const given = rule as { ttl?: unknown; public?: unknown; vary?: unknown }
  if (given.ttl !== undefined) milliseconds('operation: cache.ttl', given.ttl)
  if (given.public !== undefined && typeof given.public !== 'boolean') {
    throw new TypeError('operation: cache.public must be true or false')
  }
  if (given.vary !== undefined && !isListOf(given.vary, isFieldName)) {
    throw new TypeError('operation: cache.vary must be a list of header field names')
  }
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

/** RFC 6749 3.3. */
function isScope(value: unknown): boolean {
  return typeof value === 'string' && /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(value)
}

/** RFC 9110 5.6.2. */
function isFieldName(value: unknown): boolean {
  return typeof value === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value)
}

function isJsonType(value: unknown): boolean {
  return typeof value === 'string' && /^[a-z]+\/(?:[a-z0-9!#$&^_.-]+\+)?json$/.test(value)
}
