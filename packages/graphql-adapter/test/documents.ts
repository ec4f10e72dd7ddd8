import * as fc from 'fast-check'
import {
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isAbstractType,
  type GraphQLCompositeType,
} from 'graphql'

/**
 * Documents that ask the inventory for anything, in any mix of aliases, merged fields, fragments, directives and
 * abstract types. Most of them are valid.
 */
export function documents(schema: GraphQLSchema, root: 'query' | 'mutation'): fc.Arbitrary<string> {
  return fc.array(fc.nat({ max: 997 }), { minLength: 20, maxLength: 120 }).map((choices) => {
    let next = 0
    const choose = (count: number): number => ((choices[next++ % choices.length] ?? 0) + next) % count
    const fragments: string[] = []

    const selections = (type: GraphQLCompositeType, depth: number): string => {
      const parts = Array.from({ length: 1 + choose(4) }, () => selection(type, depth))
      return `{ ${parts.join(' ')} }`
    }

    const selection = (type: GraphQLCompositeType, depth: number): string => {
      const kind = choose(10)
      if (depth > 0 && kind < 2) return inline(type, depth)
      if (depth > 0 && kind === 2) return spread(type, depth)
      if (!('getFields' in type)) return kind === 3 ? 'kind: __typename' : '__typename'
      const fields = Object.values(type.getFields()).filter((field) => !EXCLUDED.has(field.name))
      const field = fields[choose(fields.length)]
      if (field === undefined) return '__typename'
      const named = getNamedType(field.type)
      if (isCompositeType(named) && depth === 0) return '__typename'
      const alias = choose(3) === 0 ? `a${choose(3)}: ` : ''
      const directive = ['', '', '', ' @include(if: false)', ' @skip(if: false)'][choose(5)] ?? ''
      const inner = isCompositeType(named) ? ` ${selections(named, depth - 1)}` : ''
      return `${alias}${field.name}${ARGUMENTS[field.name] ?? ''}${directive}${inner}`
    }

    const condition = (type: GraphQLCompositeType): GraphQLCompositeType => {
      const candidates: readonly GraphQLCompositeType[] = isAbstractType(type)
        ? [type, ...schema.getPossibleTypes(type)]
        : [type, ...('getInterfaces' in type ? type.getInterfaces() : [])]
      return candidates[choose(candidates.length)] ?? type
    }

    const inline = (type: GraphQLCompositeType, depth: number): string => {
      const on = condition(type)
      const head = choose(4) === 0 && on === type ? '...' : `... on ${on.name}`
      return `${head}${choose(4) === 0 ? ' @include(if: false)' : ''} ${selections(on, depth - 1)}`
    }

    const spread = (type: GraphQLCompositeType, depth: number): string => {
      const on = condition(type)
      const name = `F${fragments.length}`
      fragments.push('') // reserves the name
      fragments[Number(name.slice(1))] = `fragment ${name} on ${on.name} ${selections(on, depth - 1)}`
      return `...${name}`
    }

    const type = (root === 'query' ? schema.getQueryType() : schema.getMutationType())!
    return `${root} ${selections(type, 5)} ${fragments.join(' ')}`
  })
}

/** Fields that always fail have tests of their own. */
const EXCLUDED: ReadonlySet<string> = new Set(['broken', 'strict', 'exposed', 'fail', 'failSoftly', 'secret'])

const ARGUMENTS: Readonly<Record<string, string>> = {
  item: '(id: 1)',
  user: '(id: "u1")',
  node: '(id: "2")',
  search: '(text: "x")',
  createItem: '(input: { name: "New" })',
  renameItem: '(id: 1, name: "Old")',
  removeItem: '(id: 99)',
  signIn: '(name: "x")',
}
