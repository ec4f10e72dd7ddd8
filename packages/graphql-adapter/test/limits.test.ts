import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { compileDocument } from '../src/document.js'
import { readEntities } from '../src/entities.js'
import { inventorySchema } from './inventory.js'

const schema = inventorySchema()
const compiler = {
  schema,
  entities: readEntities(schema),
  validationRules: [],
  rules: new Map(),
  limits: { maxTokens: 15_000, maxDepth: 64, maxFields: 5_000 },
}

function outcomeOf(text: string, limits: Partial<typeof compiler.limits> = {}): string {
  const document = compileDocument(
    { ...compiler, limits: { ...compiler.limits, ...limits } },
    text,
    undefined,
  )
  return document.kind === 'runnable' ? 'runnable' : document.code
}

/** `levels` fragments, each spreading the next one twice: 2^levels fields. */
function bomb(levels: number): string {
  const fragments = Array.from({ length: levels }, (_, level) => {
    const next = level + 1 === levels ? 'id' : `...F${level + 1}`
    return `fragment F${level} on Item { a: related { ${next} } b: related { ${next} } }`
  })
  return `{ items { ...F0 } } ${fragments.join(' ')}`
}

const CHAIN = (length: number): string =>
  `{ items { ...F0 } } ${Array.from(
    { length },
    (_, level) =>
      `fragment F${level} on Item { related { ${level + 1 === length ? 'id' : `...F${level + 1}`} } }`,
  ).join(' ')}`

const TOO_COMPLEX = 'graphql-document-too-complex'

describe('documents that would exhaust the server', () => {
  test.each([
    ['2,000 nested lists', `{ search(raw: ${'['.repeat(2_000)}${']'.repeat(2_000)}) { __typename } }`],
    ['2,000 brackets that never close', `{ search(raw: ${'['.repeat(2_000)}`],
    ['8,000 nested selections', `${'{item'.repeat(8_000)}${'}'.repeat(8_000)}`],
    ['20 fragments that double', bomb(20)],
    ['a chain of 1,000 fragments', CHAIN(1_000)],
    ['a chain of 100 fragments', CHAIN(100)],
    ['16,000 tokens', `{ ${'items '.repeat(16_000)} }`],
    ['6,000 aliases', `{ ${Array.from({ length: 6_000 }, (_, n) => `a${n}:whoami`).join(' ')} }`],
  ])('%s are refused', (_, text) => {
    expect(outcomeOf(text, { maxTokens: 40_000 })).toBe(TOO_COMPLEX)
  })

  test('the token limit counts tokens, not comments or commas', () => {
    expect(outcomeOf('{ whoami }', { maxTokens: 3 })).toBe('runnable')
    expect(outcomeOf('{ whoami,,, # and more\n }', { maxTokens: 3 })).toBe('runnable')
    expect(outcomeOf('{ whoami viewer }', { maxTokens: 3 })).toBe(TOO_COMPLEX)
  })

  test('fields are counted at every spread', () => {
    const text = '{ a: item(id: 1) { ...F } b: item(id: 2) { ...F } } fragment F on Item { id name }'
    expect(outcomeOf(text, { maxFields: 6 })).toBe('runnable')
    expect(outcomeOf(text, { maxFields: 5 })).toBe(TOO_COMPLEX)
  })

  test('depth is counted through fragments', () => {
    const text = '{ items { ...F } } fragment F on Item { related { id } }'
    expect(outcomeOf(text, { maxDepth: 3 })).toBe('runnable')
    expect(outcomeOf(text, { maxDepth: 2 })).toBe(TOO_COMPLEX)
  })

  test('fragments that spread themselves are invalid, not endless', () => {
    expect(outcomeOf('{ items { ...A } } fragment A on Item { ...B } fragment B on Item { ...A }')).toBe(
      'graphql-validation-failed',
    )
  })

  test('introspection as tools send it passes', async () => {
    const { getIntrospectionQuery } = await import('graphql')
    expect(outcomeOf(getIntrospectionQuery({ inputValueDeprecation: true }))).toBe('runnable')
  })

  test('any text compiles or is rejected, and never throws', () => {
    const tokens = [
      '{',
      '}',
      '(',
      ')',
      '[',
      ']',
      '...',
      'on',
      'fragment',
      'F',
      'query',
      'mutation',
      'items',
      'id',
    ]
    const more = [
      '$a',
      ':',
      '=',
      '@skip',
      'if',
      'true',
      '"x"',
      '"""',
      '#',
      '!',
      '1',
      'subscription',
      '&',
      '|',
      '\0',
    ]
    const text = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom(...tokens, ...more), { maxLength: 60 }).map((parts) => parts.join(' ')),
    )
    fc.assert(
      fc.property(text, (document) => {
        expect(typeof outcomeOf(document)).toBe('string')
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('what can not run', () => {
  test.each([
    ['an empty text', '', 'graphql-parse-failed'],
    ['half a document', '{', 'graphql-parse-failed'],
    ['a schema', 'type A { b: C }', 'graphql-validation-failed'],
    ['an unknown field', '{ nothing }', 'graphql-validation-failed'],
    ['fragments only', 'fragment F on Item { id }', 'graphql-validation-failed'],
    ['two operations and no name', 'query A { whoami } query B { whoami }', 'operation-resolution-failure'],
    ['a subscription', 'subscription { ticks }', 'operation-resolution-failure'],
  ])('%s is %s', (_, text, code) => {
    expect(outcomeOf(text)).toBe(code)
  })

  test('an operation name that is not in the document is told apart from a missing one', () => {
    const document = compileDocument(compiler, 'query A { whoami }', 'B')
    expect(document).toMatchObject({
      code: 'operation-resolution-failure',
      errors: [{ message: "The document has no operation of the name in 'operationName'." }],
    })
  })
})
