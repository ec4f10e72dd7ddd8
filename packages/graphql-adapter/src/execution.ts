import type { Answer, CacheRule, Exchange, Tag } from '@headgate/core'
import type { ExecutionArgs, ExecutionResult } from 'graphql'
import { createHandler } from 'graphql-http'
import type { Context } from 'koa'
import { collectTags } from './collect-tags.js'
import { executionContext, type StatedCosts, watchExchange } from './context.js'
import { abortable, executeDocument } from './engine.js'
import type { Entities } from './entities.js'
import { type FormatError, hideUnexpected, isExposed } from './format-error.js'
import { invalidationOf } from './invalidation.js'
import { spentOn } from './object-costs.js'
import type { GraphqlOptions } from './options.js'
import type { Runnable } from './prepare.js'
import { contentType } from './render.js'
import { type Profile, statusOf } from './statuses.js'

/** What is executed with. */
export interface ExecutionSetting extends Pick<
  GraphqlOptions,
  'schema' | 'rootValue' | 'context' | 'loaders' | 'formatError'
> {
  readonly entities: Entities
  readonly profile: Profile
}

/**
 * Executes what is ready to run.
 *
 * @param onTags gets the entities and lists that the answer was made from or shows to be changed, as soon as they are
 *   known: what a mutation did counts even if its answer can't be written.
 */
export type Execute = (
  runnable: Runnable,
  exchange: Exchange,
  ctx: Context,
  onTags: (tags: readonly Tag[]) => void,
) => Promise<Answer>

/** Answers with more tags are not stored: to drop one in silence would keep what a write has changed. */
const MOST_TAGS = 1_000

/** One execution. */
interface Run {
  readonly runnable: Runnable
  readonly args: ExecutionArgs
  /** Koa's own way to tell the service of an error whose text the client does not see. */
  readonly report: (error: unknown) => void
  /** Whether an answer for everybody was made from something that tells callers apart. */
  readonly isPersonal: () => boolean
  readonly onTags: (tags: readonly Tag[]) => void
  readonly exchange: Exchange
  readonly stated: StatedCosts
}

type ContextValue = Record<PropertyKey, unknown>

/** Makes the executor: graphql-http's handler, with all that comes before the execution already done. */
export function executor(setting: ExecutionSetting): Execute {
  const { profile, entities, formatError = hideUnexpected } = setting

  const handle = createHandler<undefined, Run, ContextValue>({
    parseRequestParams: () => ({ query: '' }), // read and validated by `describe`
    onSubscribe: ({ context }) => context.args as ExecutionArgs & { contextValue: ContextValue },
    execute: executeDocument,
    onOperation({ context: run }, _args, result) {
      const { document, objects } = run.runnable
      const spent = spentOn(document.root, objects, result, run.stated)
      // A resolver may have spoken for the whole request.
      if (spent !== undefined) run.exchange.spent ??= spent
      const cacheable = settle(run, result, entities)
      const text = serialise(result, formatError, run.report)
      const headers = {
        'content-type': contentType(run.runnable.media),
        ...(cacheable ? {} : { 'cache-control': 'no-store' }),
      }
      return [text, { status: statusOfResult(result, profile, run.runnable.media), statusText: '', headers }]
    },
  })

  return async (runnable, exchange, ctx, onTags) => {
    const run = await startRun(setting, runnable, exchange, ctx, onTags)
    const headers = { accept: runnable.media }
    const request = { method: 'POST', url: '', headers, body: null, raw: undefined, context: run }
    const [text, init] = await handle(request)
    return { kind: 'answer', status: init.status, headers: init.headers ?? {}, body: Buffer.from(text ?? '') }
  }
}

async function startRun(
  { schema, rootValue, context, loaders }: ExecutionSetting,
  runnable: Runnable,
  exchange: Exchange,
  ctx: Context,
  onTags: Run['onTags'],
): Promise<Run> {
  const { document, variables } = runnable
  const shared = sharedVary(document.declaration.cache)
  let personal = false
  const watched =
    shared === undefined ? exchange : watchExchange(exchange, shared, () => void (personal = true))
  const extra = await context?.(watched, ctx)
  const stated: StatedCosts = new Map()
  const args: ExecutionArgs = {
    schema,
    rootValue,
    document: document.document,
    variableValues: variables,
    contextValue: executionContext({ exchange: watched, loaders, extra, stated }),
  }
  return {
    runnable,
    // A mutation runs on when its client leaves: stopped half way, nobody knows what it did.
    args: document.type === 'query' ? abortable(args, watched) : args,
    report: (error) => ctx.app.emit('error', error, ctx),
    isPersonal: () => personal,
    onTags,
    exchange,
    stated,
  }
}

/** The declared request fields of an operation whose answers serve everybody; undefined for all others. */
function sharedVary(cache: CacheRule | 'off'): readonly string[] | undefined {
  return cache === 'off' || cache.public !== true || cache.ttl === undefined ? undefined : (cache.vary ?? [])
}

/** Gathers the tags of a result and frees it of what the plan added. Says whether the answer may be kept. */
function settle(run: Run, result: ExecutionResult, entities: Entities): boolean {
  const { document } = run.runnable
  if (document.type === 'mutation') {
    const { tags, failures } = invalidationOf(run.runnable, result, entities)
    failures.forEach(run.report)
    run.onTags(tags)
    return false
  }
  if (document.plan === undefined || !result.data) return false
  const { tags, complete } = collectTags(document.plan, result.data, 'read')
  run.onTags([...tags])
  return complete && !run.isPersonal() && tags.size <= MOST_TAGS && !result.errors?.length
}

/** Errors come first, so that a reader of a long answer notices them (GraphQL 7.1). */
function serialise(
  { errors, data }: ExecutionResult,
  format: FormatError,
  report: (error: unknown) => void,
): string {
  for (const error of errors ?? []) {
    if (!isExposed(error)) report(error.originalError)
  }
  return JSON.stringify({ errors: errors?.map(format), data })
}

/** A result without `data` means that an execution could not begin although all was checked: the server's fault. */
function statusOfResult(result: ExecutionResult, profile: Profile, media: Runnable['media']): number {
  if (result.data === undefined) return 500
  return statusOf(profile, result.errors?.length ? 'partial' : 'complete', media)
}
