import type { Next } from '../exchange.js'
import type { Fields } from '../fields.js'
import { keepHeadersOnError, type Reply, withHeaders } from '../reply.js'
import { joinFields } from './fields.js'

/** Lets a request pass and puts the fields on whatever comes back, also on an error on its way to Koa. */
export async function passWith(fields: Fields, next: Next): Promise<Reply> {
  try {
    const reply = await next()
    return withHeaders(reply, joinFields(fields, reply.headers))
  } catch (error) {
    keepFieldsOnError(error, fields)
    throw error
  }
}

/** Koa drops all fields set before an error but those the error carries; an inner limiter may have left its own. */
function keepFieldsOnError(error: unknown, fields: Fields): void {
  const inner = (error as { headers?: Fields | null } | null | undefined)?.headers
  keepHeadersOnError(error, fields)
  if (inner === undefined || inner === null || typeof error !== 'object' || Object.isFrozen(error)) return
  Object.assign(error as object, { headers: { ...inner, ...joinFields(fields, inner) } })
}
