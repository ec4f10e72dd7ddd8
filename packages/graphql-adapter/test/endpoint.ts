import { gate, type Policy } from '@headgate/core'
import { graphql } from '../src/graphql.js'
import type { GraphqlOptions } from '../src/options.js'
import { inventory, type Loaders } from './inventory.js'
import { start } from './server.js'

/** An endpoint over an inventory of its own. */
export async function endpoint(
  options: Partial<GraphqlOptions<Loaders>> = {},
  policies: readonly Policy[] = [],
) {
  const { schema, rootValue, loaders, ...stock } = inventory()
  const channel = graphql({ schema, rootValue, loaders, ...options })
  const server = await start(gate(policies, { channels: [channel] }))
  return { ...server, ...stock, url: `${server.url}/graphql`, schema }
}

/** An answer. */
export interface Body {
  readonly data?: unknown
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[]
}

/** Reads an answer. */
export async function read(response: Response): Promise<Body> {
  return (await response.json()) as Body
}
