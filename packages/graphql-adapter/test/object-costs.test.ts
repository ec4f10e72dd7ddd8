import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { buildSchema, execute, Kind, type OperationDefinitionNode, parse } from 'graphql'
import { reachedFragments } from '../src/fragments.js'
import { graphql } from '../src/graphql.js'
import { checkObjectCosts, type ObjectCosts } from '../src/list-sizes.js'
import { mostObjects, spentOn } from '../src/object-costs.js'
import { planObjects } from '../src/object-plan.js'

const schema = buildSchema(`
  interface Node { id: ID!  children(first: Int): [Node!]! }
  type Leaf implements Node { id: ID!  children(first: Int): [Node!]!  tag: Tag!  paged(first: Int): Connection! }
  type Branch implements Node { id: ID!  children(first: Int): [Node!]!  tags: [Tag!]!  grid: [[Tag!]!]!  whole: Connection! }
  type Tag { name: String! }
  type Connection { edges: [Edge!]!  nodes: [Node!]!  page: Page! }
  type Edge { node: Node! }
  type Page { end: String }
  union Any = Leaf | Branch
  interface Shown { page(first: Int): Connection! }
  type Short implements Shown { page(first: Int): Connection! }
  type Long implements Shown { page(first: Int): Connection! }
  interface Bag { all(first: Int = 2): [Tag!]!  rest: [Tag!]! }
  type Big implements Bag { all(first: Int = 30): [Tag!]!  rest(first: Int = 40): [Tag!]! }
  type Query {
    one(id: ID): Node
    many(first: Int = 10, last: Int): [Node!]!
    plain: [Tag!]!
    paged(first: Int): Connection!
    any: [Any!]!
    names: [String!]!
    shown: Shown
    bag: Bag
  }
`)

const COSTS: ObjectCosts = {
  assumedSize: 4,
  lists: {
    'Query.many': { slicingArguments: ['first', 'last'] },
    'Query.paged': { slicingArguments: ['first'], sizedFields: ['edges', 'nodes'], assumedSize: 7 },
    'Leaf.paged': { slicingArguments: ['first'], sizedFields: ['edges'] },
    'Short.page': { slicingArguments: ['first'], sizedFields: ['edges'] },
    'Bag.all': { slicingArguments: ['first'] },
    'Big.rest': { slicingArguments: ['first'] },
    'Leaf.children': { assumedSize: 0 },
    'Branch.children': { slicingArguments: ['first'], assumedSize: 3 },
  },
}

function plan(text: string, variables: Record<string, unknown> = {}) {
  const document = parse(text)
  const operation = document.definitions[0] as OperationDefinitionNode
  const asked = { operation, fragments: reachedFragments(document, operation), variables }
  return planObjects(schema, checkObjectCosts(schema, COSTS), asked)
}

function most(text: string, variables?: Record<string, unknown>): number {
  return mostObjects(plan(text, variables))
}

describe('the most objects of an answer', () => {
  test.each([
    ['a root field by itself is paid with the field', '{ one { id } }', 0],
    ['what is below it is not', '{ one { children(first: 2) { id } } }', 2],
    ['a list has what nobody says of it', '{ plain { name } }', 4],
    ['scalars cost nothing', '{ names }', 0],
    ['a literal slice', '{ many(first: 3) { id } }', 3],
    ['the default of an argument', '{ many { id } }', 10],
    ['the largest of several slices', '{ many(first: 3, last: 5) { id } }', 5],
    ['a slice that is null says nothing', '{ many(first: null) { id } }', 4],
    ['less than none is none', '{ many(first: -5) { id } }', 0],
    [
      'lists multiply',
      '{ many(first: 3) { ... on Branch { tags { name } grid { name } } } }',
      3 * (1 + 4 + 16),
    ],
    ['a list of lists', '{ one { ... on Branch { grid { name } } } }', 16],
    ['of an interface, the largest of its types', '{ one { children { id } } }', 3],
    ['of a type, what is said of it', '{ one { ... on Branch { children { id } } } }', 3],
    ['fields of one name in the answer are one', '{ plain { name } plain { __typename } }', 4],
    [
      'and hold what each of them asks for',
      '{ any { ... on Leaf { tag { name } } } any { ... on Branch { tags { name } } } }',
      4 * 6,
    ],
    ['aliases are several', '{ a: plain { name } b: plain { name } }', 8],
    [
      'fields of two types under one name: the larger',
      '{ one { ... on Leaf { x: children(first: 9) { id } } ... on Branch { x: children(first: 9) { id } } } }',
      9,
    ],
    [
      'a size that is handed down',
      '{ paged(first: 5) { edges { node { id } } nodes { id } page { end } } }',
      16,
    ],
    ['handed down where no slice is given', '{ paged { edges { node { id } } } }', 14],
    [
      'a size that only one of two fields under one name hands down',
      `{ one { ... on Leaf { x: paged(first: 1) { edges { node { id } } } }
               ... on Branch { x: whole { edges { node { id } } } } } }`,
      1 + 4 * 2,
    ],
    [
      'nor does the order of the two matter',
      `{ one { ... on Branch { x: whole { edges { node { id } } } }
               ... on Leaf { x: paged(first: 1) { edges { node { id } } } } } }`,
      1 + 4 * 2,
    ],
    [
      'a size that only one type of an interface hands down',
      '{ shown { page(first: 1) { edges { node { id } } } } }',
      1 + 4 * 2,
    ],
    ['the default that a type has for an argument of its interface', '{ bag { all { name } } }', 30],
    ['also for one that its interface does not have', '{ bag { rest { name } } }', 40],
    [
      'a fragment counts where it is spread, once',
      '{ ...F ...F a: plain { name } } fragment F on Query { plain { name } }',
      8,
    ],
    ['a union', '{ any { ... on Leaf { tag { name } } ... on Branch { tags { name } } } }', 4 * (1 + 1 + 4)],
  ])('%s', (_, text, expected) => {
    expect(most(text)).toBe(expected)
  })

  test('variables count as they were sent, their defaults where they were not', () => {
    const text = 'query ($n: Int = 6) { many(first: $n) { id } }'
    expect(most(text, { n: 2 })).toBe(2)
    expect(most(text)).toBe(6)
    expect(most(text, { n: null })).toBe(4)
    expect(most('query ($n: Int) { many(first: $n) { id } }')).toBe(10)
    expect(most(text, { n: '2; drop' })).toBe(4)
    expect(
      most('query ($n: Int) { many(first: $n) { id } }', Object.create({ n: 1 }) as object as never),
    ).toBe(10)
  })

  test('is a number however much is asked for', () => {
    const deep = `{ many(first: 2147483647) ${'{ children(first: 2147483647) '.repeat(20)} { id } ${'}'.repeat(20)} }`
    expect(most(deep)).toBe(Number.MAX_SAFE_INTEGER)
    expect(most('{ many(first: 0) { children(first: 2147483647) { children { id } } } }')).toBe(0)
  })

  test('goes through the types of an interface once, however many of its fields strangers ask for', () => {
    const types = schema.getPossibleTypes.bind(schema)
    let asked = 0
    schema.getPossibleTypes = (type) => {
      asked += 1
      return types(type)
    }
    const fields = Array.from({ length: 100 }, (_, index) => `x${index}: children { id }`).join(' ')
    expect(most(`{ one { ${fields} } }`)).toBe(300)
    schema.getPossibleTypes = types
    expect(asked).toBe(1)
  })

  test('comes to an end in documents that are not valid', () => {
    const names = Array.from({ length: 12 }, (_, index) => `F${index}`)
    const all = names.map((name) => `...${name}`).join(' ')
    const fragments = names
      .map((name) => `fragment ${name} on Node { x${name}: children { ${all} } }`)
      .join('\n')
    expect(plan(`{ one { ${all} nothing { id } ...Missing } } ${fragments}`)).toEqual([])
    expect(() => plan('{ names { id } one nothing { x } ... on Nothing { one { id } } }')).not.toThrow()
  })
})

/** No root field says what it cost. */
const NONE: ReadonlyMap<string, number> = new Map()

/** Executes a document whose root fields cost 3 each, and says what that cost. */
async function run(text: string, rootValue: object): Promise<number | undefined> {
  const document = parse(text)
  const { data, errors } = await execute({ schema, document, rootValue })
  const root = (document.definitions[0] as OperationDefinitionNode).selectionSet.selections.map((node) => {
    if (node.kind !== Kind.FIELD) throw new Error('fields only')
    return { responseKey: (node.alias ?? node.name).value, node, field: undefined, rule: { cost: 3 } }
  })
  return spentOn(root, plan(text), { ...(data && { data }), ...(errors && { errors }) }, NONE)
}

describe('what an execution cost', () => {
  const tag = { name: 'x' }
  const leaf = (children: readonly object[] = []) => ({ __typename: 'Leaf', id: '1', tag, children })

  test('is its root fields and the objects that are there', async () => {
    const rootValue = { many: [leaf([leaf(), leaf()]), leaf()], one: leaf([leaf()]), plain: [tag] }
    expect(await run('{ many { id children { id } } }', rootValue)).toBe(3 + 2 + 2)
    expect(await run('{ one { id children { id } } }', rootValue)).toBe(3 + 1)
    expect(await run('{ one { id } a: one { id } plain { name } }', rootValue)).toBe(9 + 1)
    expect(await run('{ one { id } }', { one: null })).toBe(3)
  })

  test('leaves out root fields that did not run', async () => {
    expect(await run('{ one @skip(if: true) { id } plain { name } }', { plain: [tag] })).toBe(4)
    expect(await run('{ one @skip(if: true) { id } }', {})).toBe(1)
  })

  test('is not told where an error took results away', async () => {
    expect(await run('{ many { id } plain { name } }', { many: [leaf()], plain: [{}] })).toBeUndefined()
    expect(spentOn([], [], { data: {}, errors: [] }, NONE)).toBe(1)
    expect(spentOn([], [], {}, NONE)).toBeUndefined()
  })
})

function branch(): object {
  const tags = [{ name: 'x' }, { name: 'y' }]
  const children = ({ first }: { first: number }): readonly object[] => Array.from({ length: first }, branch)
  return { __typename: 'Branch', id: '1', tags, grid: [tags, []], children }
}

test('no answer within the sizes has more objects than were foreseen', async () => {
  const selections = fc.letrec<{ node: string; field: string }>((tie) => ({
    node: fc
      .array(tie('field'), { minLength: 1, maxLength: 3 })
      .map((fields) => `{ id ${fields.join(' ')} }`),
    field: fc.oneof(
      { depthSize: 'small', maxDepth: 4 },
      fc.constant('__typename'),
      fc.constant('... on Leaf { tag { name } }'),
      fc.constant('... on Branch { tags { name } grid { name } }'),
      fc
        .record({ alias: fc.constantFrom('a', 'b', 'c'), first: fc.nat(3), inner: tie('node') })
        .map(
          ({ alias, first, inner }) =>
            `... on Branch { ${alias}${first}: children(first: ${first}) ${inner} }`,
        ),
    ),
  })).node
  await fc.assert(
    fc.asyncProperty(selections, fc.nat(3), async (selection, first) => {
      const text = `{ many(first: ${first}) ${selection} }`
      const rootValue = { many: (args: { first: number }) => Array.from({ length: args.first }, branch) }
      const result = await execute({ schema, document: parse(text), rootValue })
      expect(result.errors).toBeUndefined()
      const objects = plan(text)
      expect(spentOn([], objects, result, NONE)).toBeLessThanOrEqual(Math.max(1, mostObjects(objects)))
    }),
    { numRuns: 200 },
  )
})

test('reportCost is true or false', () => {
  expect(() => graphql({ schema, reportCost: 'yes' as never })).toThrow('graphql: reportCost')
})

describe('what is said of lists is checked at start-up', () => {
  test.each([
    [null, 'objectCosts'],
    [{}, 'assumedSize'],
    [{ assumedSize: 0 }, 'assumedSize'],
    [{ assumedSize: 1, list: {} }, 'list'],
    [{ assumedSize: 1, lists: [] }, 'lists'],
    [{ assumedSize: 1, lists: { 'Query.manny': {} } }, 'Query.manny'],
    [{ assumedSize: 1, lists: { 'Query.many.first': {} } }, 'Query.many.first'],
    [{ assumedSize: 1, lists: { 'Any.many': {} } }, 'Any.many'],
    [{ assumedSize: 1, lists: { 'Query.names': {} } }, 'sizedFields'],
    [{ assumedSize: 1, lists: { 'Query.one': {} } }, 'sizedFields'],
    [{ assumedSize: 1, lists: { 'Query.many': { assumedSize: -1 } } }, 'assumedSize'],
    [{ assumedSize: 1, lists: { 'Query.many': { slicingArgument: ['first'] } } }, 'slicingArgument'],
    [{ assumedSize: 1, lists: { 'Query.many': { slicingArguments: ['limit'] } } }, "'limit'"],
    [{ assumedSize: 1, lists: { 'Query.many': { slicingArguments: 'first' } } }, 'slicingArguments'],
    [{ assumedSize: 1, lists: { 'Query.paged': { sizedFields: ['page'] } } }, "'page'"],
    [{ assumedSize: 1, lists: { 'Query.paged': { sizedFields: ['toString'] } } }, "'toString'"],
  ])('%j', (objectCosts, named) => {
    expect(() => graphql({ schema, objectCosts: objectCosts as never })).toThrow(TypeError)
    expect(() => graphql({ schema, objectCosts: objectCosts as never })).toThrow(named)
  })
})
