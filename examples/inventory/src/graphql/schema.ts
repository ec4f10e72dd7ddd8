import { buildSchema, type GraphQLFieldResolver, type GraphQLSchema, isObjectType } from 'graphql'
import type { Inventory } from '../inventory.js'
import { createResolvers } from './resolvers.js'
import { typeDefs } from './schema.graphql.js'

/** The inventory's schema, ready to execute. */
export function inventorySchema(inventory: Inventory): GraphQLSchema {
  const schema = buildSchema(typeDefs)
  for (const [typeName, fields] of Object.entries(createResolvers(inventory))) {
    const type = schema.getType(typeName)
    if (!isObjectType(type)) throw new TypeError(`There is no type '${typeName}' in the schema`)
    for (const [fieldName, resolve] of Object.entries(fields)) {
      const field = type.getFields()[fieldName]
      if (field === undefined)
        throw new TypeError(`There is no field '${typeName}.${fieldName}' in the schema`)
      field.resolve = resolve as GraphQLFieldResolver<unknown, unknown>
    }
  }
  return schema
}
