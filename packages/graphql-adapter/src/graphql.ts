import {
  type Channel,
  createOperation,
  type Exchange,
  exchangeOf,
  type Incoming,
  isRefusal,
  keyOf,
  type Operation,
  type Refusal,
  type Tag,
} from '@headgate/core'
import { printSchema } from 'graphql'
import type { Context } from 'koa'
import { DEFAULT_MEDIA_TYPE, negotiate } from './accept.js'
import { canonicalVariables } from './canonical.js'
import { costReport, withCost } from './cost-report.js'
import { documentCache } from './document-cache.js'
import { readEntities } from './entities.js'
import { executor } from './execution.js'
import { checkObjectCosts } from './list-sizes.js'
import { type GraphqlOptions, readOptions } from './options.js'
import { type Preparation, type Prepared, prepare, type Runnable } from './prepare.js'
import { renderHandlerError, renderRefusal } from './render.js'
import { mostObjects } from './object-costs.js'
import { type ObjectField, planObjects } from './object-plan.js'
import { checkRules } from './rules.js'
import { throttledForm } from './throttled.js'

/**
 * GraphQL over HTTP as a channel of a gate: `gate(policies, { channels: [graphql({ schema })] })`.
 *
 * @throws TypeError at start-up for an unknown option, a rule for a field that is not there, an invalid schema.
 */
export function graphql<Loaders = unknown>(options: GraphqlOptions<Loaders>): Channel {
  const settings = readOptions(options)
  const { schema, maxTokens, maxDepth, maxFields, validationRules, profile, bodyLimit } = settings
  const { reportCost, throttledStatus } = settings
  const rules = checkRules(schema, options.rules)
  const entities = readEntities(schema, options.keyFields)
  const schemaDigest = keyOf('schema', printSchema(schema))
  const limits = { maxTokens, maxDepth, maxFields }
  const documents = documentCache({ schema, entities, rules, limits, validationRules }, settings.documents)
  const { objectCosts } = options
  const sizes = objectCosts === undefined ? undefined : checkObjectCosts(schema, objectCosts)
  const preparation: Preparation = {
    schema,
    documents,
    planObjects: sizes && ((asked) => planObjects(schema, sizes, asked)),
    bodyLimit,
    maxDepth,
    profile,
  }
  const execute = executor({ ...settings, entities })
  const requests = new WeakMap<Incoming, Request>()
  const wantsCost = (exchange: Exchange): boolean =>
    reportCost && requests.get(exchange)?.prepared.costAsked === true

  return {
    name: 'graphql',

    declared: () => [...rules].map(([name, declaration]) => ({ name, declaration })),

    accepts: (ctx) => isAt(ctx, settings.path),

    async describe(ctx, incoming) {
      const prepared = await prepare(preparation, incoming, isParsed(ctx))
      const request: Request = { prepared, tags: [] }
      requests.set(incoming, request)
      return describeRequest(request)
    },

    async handle(ctx) {
      const exchange = exchangeOf(ctx)
      const request = exchange && requests.get(exchange)
      const runnable = request?.prepared.settle()
      if (request === undefined || runnable === undefined || isRefusal(runnable) || exchange === undefined) {
        throw new Error('graphql: the gate let a request through that can not run')
      }
      const answer = await execute(runnable, exchange, ctx, (tags) => void (request.tags = tags))
      ctx.body = answer.body
      ctx.status = answer.status
      ctx.set(answer.headers as Record<string, string>)
      ctx.vary('Accept')
    },

    finish: (answer, exchange) => (wantsCost(exchange) ? withCost(answer, exchange) : answer),

    render(refusal, exchange) {
      const accept = exchange.header('accept')
      const media = negotiate(accept) ?? DEFAULT_MEDIA_TYPE
      const wellFormed = requests.get(exchange)?.prepared.wellFormed === true
      return renderRefusal(refusal, {
        media,
        throttled: throttledStatus === 200 ? throttledForm(refusal, accept, media, wellFormed) : undefined,
        cost: isOfBudget(refusal) && wantsCost(exchange) ? costReport(exchange, 'refused') : undefined,
      })
    },

    renderError: (error) => renderHandlerError(error, DEFAULT_MEDIA_TYPE),
  }

  /** What can't run is an operation too: authenticated, charged, and only then told why. */
  function describeRequest(request: Request): Operation {
    const { draft, objects, settle } = request.prepared
    const tags = (): readonly Tag[] => request.tags
    return createOperation({
      ...(draft?.declaration ?? { idempotency: 'off', cache: 'off' }),
      ...(objects && { cost: costOf(draft?.declaration.cost, objects) }),
      protocol: 'graphql',
      name: draft?.name ?? '(malformed)',
      effect: draft?.type === 'query' ? 'read' : 'write',
      // The same document and variables, wherever they stand in the request.
      byAnyMethod: true,
      canonicalPath: trimmed,
      contract: () => {
        const settled = settle()
        return Promise.resolve(isRefusal(settled) ? settled : undefined)
      },
      fingerprint: () => {
        const settled = settle()
        return isRefusal(settled) ? settled : fingerprintOf(settled)
      },
      ...(draft?.type === 'query' ? { tags } : { invalidates: tags }),
    })
  }

  function fingerprintOf({ document, variables }: Runnable): string {
    const { type, digest, operation } = document
    return keyOf(
      'graphql',
      // Answers of an older schema are not served under a newer one; a retry of a mutation stays the same request.
      type === 'query' ? schemaDigest : undefined,
      digest,
      operation.name?.value,
      canonicalVariables(schema, operation, variables),
    )
  }
}

/** One request between `describe` and the policies' last question. */
interface Request {
  readonly prepared: Prepared
  /** Known when the operation ran. */
  tags: readonly Tag[]
}

/** A refusal that a client which minds its budget can learn from. */
function isOfBudget({ code }: Refusal): boolean {
  return code === 'quota-exceeded' || code === 'cost-exceeds-quota'
}

/** At most: it is known before anything runs. */
function costOf(ofFields = 1, objects: readonly ObjectField[]): number {
  return Math.min(ofFields + mostObjects(objects), Number.MAX_SAFE_INTEGER)
}

/** The endpoint's own path, with or without what koa-mount has cut off it, and with or without a last slash. */
function isAt(ctx: Context, path: string): boolean {
  const { mountPath } = ctx as { mountPath?: unknown }
  const wanted = trimmed(path)
  if (trimmed(ctx.path) === wanted) return true
  return typeof mountPath === 'string' && trimmed(mountPath + ctx.path) === wanted
}

function trimmed(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}

/** A body parser before the gate has already undone the content coding. */
function isParsed({ request }: Context): boolean {
  const { rawBody, body } = request as { rawBody?: unknown; body?: unknown }
  return rawBody !== undefined || body !== undefined
}
