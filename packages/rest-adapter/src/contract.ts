import { type Incoming, isRefusal, type Refusal, refuse } from '@headgate/core'
import type { Context } from 'koa'
import type { Call } from './call.js'
import { OPERATION_DEFAULTS } from './declaration.js'
import { parseJson } from './json.js'
import { checkMediaType } from './media-type.js'
import { validate } from './schema.js'

/** Holds a request against its route's contract and notes the values that met it. */
export async function meetContract(
  ctx: Context,
  incoming: Incoming,
  call: Call,
): Promise<Refusal | undefined> {
  return (await meetParams(call)) ?? (await meetQuery(ctx, call)) ?? meetBody(ctx, incoming, call)
}

async function meetParams(call: Call): Promise<Refusal | undefined> {
  const schema = call.declaration?.params
  if (schema === undefined) return undefined
  const checked = await validate(schema, call.params)
  if ('errors' in checked) return misfit('path', checked.errors)
  call.params = checked.value
  return undefined
}

async function meetQuery(ctx: Context, call: Call): Promise<Refusal | undefined> {
  const schema = call.declaration?.query
  call.query = ctx.query
  if (schema === undefined) return undefined
  // A copy with a prototype: some validators take plain objects only, and Koa's has none.
  const checked = await validate(schema, { ...ctx.query })
  if ('errors' in checked) return misfit('query', checked.errors)
  call.query = checked.value
  return undefined
}

function misfit(part: 'path' | 'query', errors: readonly object[]): Refusal {
  return refuse('request-malformed', {
    detail: `The ${part} does not meet the contract.`,
    members: { errors: errors.map((error) => ({ in: part, ...error })) },
  })
}

async function meetBody(ctx: Context, incoming: Incoming, call: Call): Promise<Refusal | undefined> {
  const {
    body: schema,
    mediaTypes = OPERATION_DEFAULTS.mediaTypes,
    bodyLimit = OPERATION_DEFAULTS.bodyLimit,
  } = call.declaration ?? {}
  if (schema === undefined) return undefined
  const unfit = announcesContent(incoming) ? checkMediaType(incoming, mediaTypes) : undefined
  if (unfit !== undefined) return unfit
  const content = await incoming.body(bodyLimit)
  if (isRefusal(content)) return content
  // What a parser before the gate read was held to its own limit.
  if (content.byteLength > bodyLimit) return refuse('body-too-large')
  // No content is no value: the schema says whether the body may be left out.
  const parsed = content.byteLength === 0 ? { value: undefined } : parseJson(content)
  if (!('value' in parsed)) return parsed
  const checked = await validate(schema, parsed.value)
  if ('errors' in checked) return refuse('validation-failed', { members: { errors: checked.errors } })
  call.body = checked.value
  leaveToParsers(ctx, content, checked.value)
  return undefined
}

/** A request has content when it says how it ends (RFC 9112 6). */
function announcesContent(incoming: Incoming): boolean {
  const length = incoming.header('content-length')
  return length === undefined ? incoming.header('transfer-encoding') !== undefined : Number(length) > 0
}

/** Body parsers that come later look here first and leave the body as it is. */
function leaveToParsers(ctx: Context, content: Uint8Array, value: unknown): void {
  const request = ctx.request as typeof ctx.request & { body?: unknown; rawBody?: unknown }
  request.body = value
  request.rawBody ??= Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString()
}
