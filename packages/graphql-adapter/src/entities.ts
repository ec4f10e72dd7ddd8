import { entityTag, listTag, type Tag } from '@headgate/core'
import {
  getNamedType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  getNullableType,
} from 'graphql'

/** The field that names an entity, by type name, where it is not `id`. */
export type KeyFields = Readonly<Record<string, string>>

/** What a schema says about entities: types whose objects have a key, and so a tag. */
export interface Entities {
  /** The name of the field that holds the type's key; undefined when it is no entity. */
  keyField(type: GraphQLObjectType): string | undefined
  /** The lists that a value of this type is an element of: of the entity itself, or of those a wrapper holds. */
  listTags(type: GraphQLNamedType): readonly Tag[]
  /** The lists that a connection stands for, whatever of it is selected: its count depends on them. */
  connectionTags(type: GraphQLObjectType): readonly Tag[]
  /** The object types that a type condition lets through. */
  possibleNames(typeName: string): ReadonlySet<string>
}

const DEFAULT_KEY = 'id'

/**
 * Reads the entities of a schema.
 *
 * @throws TypeError that names the type whose key field is not in the schema.
 */
export function readEntities(schema: GraphQLSchema, keyFields: KeyFields = {}): Entities {
  const keys = new Map<GraphQLObjectType, string>()
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  for (const [name, field] of Object.entries(keyFields)) {
    const type = schema.getType(name)
    if (!isObjectType(type) || !isKey(type, field)) {
      throw new TypeError(
        `graphql: keyFields['${name}']: the schema has no object type ${name} with a leaf field '${field}' ` +
          'that needs no arguments',
      )
    }
    keys.set(type, field)
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__') || roots.includes(type) || keys.has(type)) continue
    if (isKey(type, DEFAULT_KEY)) keys.set(type, DEFAULT_KEY)
  }

  const gather = (type: GraphQLNamedType, tags: Set<Tag>, seen: Set<GraphQLNamedType>): void => {
    if (seen.has(type)) return
    seen.add(type)
    if (isAbstractType(type)) {
      for (const possible of schema.getPossibleTypes(type)) gather(possible, tags, seen)
    } else if (isObjectType(type)) {
      if (keys.has(type)) return void tags.add(listTag(type.name))
      // An edge, an order's line: it appears when the entity it holds does.
      for (const field of Object.values(type.getFields())) {
        if (!isListType(getNullableType(field.type))) gather(getNamedType(field.type), tags, seen)
      }
    }
  }

  const lists = new Map<GraphQLNamedType, readonly Tag[]>()
  const listTags = (type: GraphQLNamedType): readonly Tag[] => {
    let known = lists.get(type)
    if (known === undefined) {
      const tags = new Set<Tag>()
      gather(type, tags, new Set())
      lists.set(type, (known = [...tags]))
    }
    return known
  }

  const possible = new Map<string, ReadonlySet<string>>()
  const possibleNames = (typeName: string): ReadonlySet<string> => {
    let known = possible.get(typeName)
    if (known === undefined) {
      const type = schema.getType(typeName)
      const names = isAbstractType(type) ? schema.getPossibleTypes(type).map(({ name }) => name) : [typeName]
      possible.set(typeName, (known = new Set(names)))
    }
    return known
  }

  return {
    possibleNames,
    keyField: (type) => keys.get(type),
    listTags,
    connectionTags(type) {
      // The name is reserved for connections (Relay cursor connections 2).
      if (!type.name.endsWith('Connection') || keys.has(type)) return []
      const fields = Object.values(type.getFields())
      const held = fields.filter((field) => isListType(getNullableType(field.type)))
      return [...new Set(held.flatMap((field) => listTags(getNamedType(field.type))))]
    },
  }
}

function isKey(type: GraphQLObjectType, name: string): boolean {
  const field = type.getFields()[name]
  return (
    field !== undefined && isLeafType(getNullableType(field.type)) && !field.args.some(isRequiredArgument)
  )
}

/** The tag of an entity in an answer; undefined when its key is null or no plain value. */
export function tagOf(type: string, key: unknown): Tag | undefined {
  return typeof key === 'string' || typeof key === 'number' ? entityTag(type, key) : undefined
}
