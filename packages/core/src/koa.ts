import type { Context, Middleware, Next as KoaNext } from 'koa'
import { checkIdentity, type Identity } from './auth/identity.js'
import { type Clock, systemClock } from './clock.js'
import { checkDemands, type DeclaredOperation } from './declaration.js'
import type { ReportedEvent } from './events.js'
import type { Exchange, Incoming, Policy } from './exchange.js'
import { type Answer, keepHeadersOnError } from './reply.js'
import { composeGate, type Gate } from './gate.js'
import {
  answerError,
  captureAnswer,
  forgetRemoved,
  type HandlerError,
  wholeAnswer,
  writeAnswer,
} from './http/answer.js'
import { addressResolver, type TrustedProxies } from './http/address.js'
import { checkHints, describeHttp, describeMalformed, type OperationHints } from './http/channel.js'
import { type ExpiryOptions, expiryWatch } from './http/expiry.js'
import { HttpExchange } from './http/exchange.js'
import { readFields } from './http/fields.js'
import { checkGateOptions } from './http/gate-options.js'
import { checkKoaProxy, type KoaProxy } from './http/koa-proxy.js'
import { renderProblem } from './http/problem.js'
import { queuedAnswers } from './http/queued-answers.js'
import { requestIds } from './http/request-id.js'
import { isTarget } from './http/target.js'
import type { Operation } from './operation.js'
import { REFUSALS, type Refusal } from './refusal.js'

/** One protocol behind the gate: it names what a request wants, runs it, and renders the gate's refusals. */
export interface Channel {
  /** For error messages. */
  readonly name: string
  /** What its operations declare, as far as it is known at start-up; held against the policies. Default: nothing. */
  declared?(): readonly DeclaredOperation[]
  /** Whether a request belongs to this channel. The gate asks its channels in order. */
  accepts(ctx: Context): boolean
  /** Says what the request wants. Total: a request that can't run is an operation too, and gated. Never throws. */
  describe(ctx: Context, incoming: Incoming): Operation | Promise<Operation>
  /** Runs the operation. Default: the middleware that comes after the gate. */
  handle?(ctx: Context, next: KoaNext): Promise<unknown>
  /** Renders a refusal. Default: `application/problem+json`. */
  render?(refusal: Refusal, exchange: Exchange): Answer
  /**
   * The last word on an answer, executed or stored, when every policy is through: what it adds is kept by none. Not
   * asked about refusals. Default: nothing.
   */
  finish?(answer: Answer, exchange: Exchange): Answer
  /** Renders what a handler says with `ctx.throw(404)` or a bare `ctx.status = 404`. Default: text, as in Koa. */
  renderError?(error: HandlerError): Answer
}

/** Settings of a gate. */
export interface GateOptions {
  /** The protocols behind the gate. What none accepts is gated as plain HTTP. Default: none. */
  readonly channels?: readonly Channel[]
  /** Which proxies may name the client's address, host and scheme. Default: none may. */
  readonly trustedProxies?: TrustedProxies
  /** The caller, where other middleware knows: of `createIdentity`, or an outer gate's. Default: unknown. */
  readonly identity?: (ctx: Context) => Identity | undefined
  /** Declares what a request is that no channel accepts. Asked of each, so it answers at once. Default: by its method. */
  readonly operation?: (ctx: Context) => OperationHints
  /**
   * The field that carries a request's id, such as `x-request-id`. A trusted proxy's id is taken over, any other
   * request gets a new one; it is on every answer, on errors too, and in every event. Default: no id.
   */
  readonly requestId?: string
  /**
   * Gets every event, beside the diagnostics channel `headgate`. What it throws goes to the app's `error` event and
   * changes nothing else. Default: nobody does.
   */
  readonly onEvent?: (event: ReportedEvent) => void
  /**
   * When an answer that still flows is cut because its caller's credential ended: a stream, server-sent events, what a
   * handler writes to the socket itself. `'off'`: never. Default: 30 s after that, downloads too.
   */
  readonly expiry?: ExpiryOptions | 'off'
  /** `'refuse'`: an app whose `proxy` setting lets clients choose `ctx.ip` answers nothing. Default `'refuse'`. */
  readonly koaProxy?: KoaProxy
  /** The source of time, for `expiry`. Default: the machine's clock. */
  readonly clock?: Clock
}

const EXCHANGE = Symbol.for('headgate.exchange')
const POLICIES = Symbol.for('headgate.policies')

type GatedContext = Context & { [EXCHANGE]?: HttpExchange; [POLICIES]?: readonly Policy[] }

/** The exchange of a request that passed a gate: its operation, identity, client address, abort signal. */
export function exchangeOf(ctx: Context): Exchange | undefined {
  return (ctx as GatedContext)[EXCHANGE]
}

/** Who asks, as the gate found out. Undefined where no gate authenticated the request. */
export function identityOf(ctx: Context): Identity | undefined {
  return exchangeOf(ctx)?.identity
}

/** The request's id, for logs. Undefined where no gate gave one. */
export function requestIdOf(ctx: Context): string | undefined {
  return (ctx as GatedContext)[EXCHANGE]?.requestId
}

/**
 * Puts policies in front of everything that comes after it.
 *
 * @throws TypeError at start-up when the policies stand in an order that can't be right.
 */
export function gate(policies: readonly Policy[], options: GateOptions = {}): Middleware {
  checkGateOptions(options)
  const { expiry, koaProxy = 'refuse', clock = systemClock } = options
  const watch = expiry === 'off' ? undefined : expiryWatch(clock, expiry)
  const queued = queuedAnswers()
  const identityGiven = options.identity !== undefined
  const run = composeGate(policies, { identityGiven })
  const resolve = addressResolver(options.trustedProxies)
  const ids = requestIds('gate: requestId', options.requestId)
  const plain: Channel = {
    name: 'http',
    accepts: () => true,
    describe: (ctx, incoming) =>
      describeHttp(incoming, checkHints(options.operation?.(ctx), policies, identityGiven)),
  }
  const channels = [...(options.channels ?? []), plain]
  for (const channel of channels) {
    checkDemands(channel.declared?.() ?? [], policies, identityGiven)
  }

  const enter = async (ctx: Context, exchange: HttpExchange, next: KoaNext): Promise<void> => {
    // Koa's `ctx.path`, by which channels tell their requests, throws on some targets.
    const readable = isTarget(exchange.method, ctx.originalUrl)
    const channel = readable ? (channelFor(channels, ctx) ?? plain) : plain
    exchange.operation = readable ? await channel.describe(ctx, exchange) : describeMalformed(exchange)
    const { res } = ctx
    let flows = true
    queued.add(res)
    watch?.add(exchange, res)
    try {
      flows = mayFlow(await pass(ctx, run, exchange, channel, next))
    } finally {
      watch?.answered(exchange, flows)
    }
  }

  return async function headgate(ctx, next) {
    if (koaProxy === 'refuse') checkKoaProxy('gate', ctx.app)
    refuseTwice(ctx, policies)
    const exchange = new HttpExchange(ctx, resolve, options.onEvent)
    exchange.requestId = requestIdOf(ctx) ?? ids?.idOf(exchange)
    exchange.identity = callerOf(options, ctx)
    ;(ctx as GatedContext)[EXCHANGE] = exchange
    const outer = (ctx as GatedContext)[POLICIES]
    ;(ctx as GatedContext)[POLICIES] = outer === undefined ? policies : [...outer, ...policies]
    const { requestId } = exchange
    if (ids === undefined || requestId === undefined) return enter(ctx, exchange, next)
    ctx.res.setHeader(ids.field, requestId)
    try {
      await enter(ctx, exchange, next)
    } catch (error) {
      keepHeadersOnError(error, { [ids.field]: requestId })
      throw error
    }
  }
}

/** Who asks, where it is known before any policy is asked. */
function callerOf({ identity }: GateOptions, ctx: Context): Identity | undefined {
  return identity === undefined ? identityOf(ctx) : checkIdentity('gate: identity()', identity(ctx))
}

/** Asked for every request: a closure for `find` would be made each time. */
function channelFor(channels: readonly Channel[], ctx: Context): Channel | undefined {
  for (const channel of channels) if (channel.accepts(ctx)) return channel
  return undefined
}

/** A policy that sees a request twice charges it twice and waits for its own idempotency claim. */
function refuseTwice(ctx: GatedContext, policies: readonly Policy[]): void {
  const asked = ctx[POLICIES]
  if (asked === undefined) return
  const twice = policies.find((policy) => asked.includes(policy))
  if (twice === undefined) return
  throw new Error(
    `gate: '${twice.name}' already decided about this request in an outer gate; ` +
      'put both protocols behind one gate with `channels`, or mount the inner gate before the outer one',
  )
}

async function pass(
  ctx: Context,
  run: Gate,
  exchange: HttpExchange,
  channel: Channel,
  next: KoaNext,
): Promise<Answer> {
  const { res } = ctx
  const outer = readFields(res)
  const renderError = channel.renderError?.bind(channel)
  const reply = await run(exchange, async () => {
    try {
      await (channel.handle === undefined ? next() : channel.handle(ctx, next))
    } catch (error) {
      return answerError(error, renderError)
    }
    // Detached, the handler has a response of its own: all fields on it are the handler's.
    if (ctx.res !== res) return wholeAnswer(captureAnswer(ctx, {}, renderError))
    forgetRemoved(outer, res)
    return captureAnswer(ctx, outer, renderError)
  })
  const answer = reply.kind === 'answer' ? finish(channel, reply, exchange) : render(channel, reply, exchange)
  writeAnswer(ctx, outer, answer)
  return answer
}

function finish(channel: Channel, answer: Answer, exchange: Exchange): Answer {
  if (channel.finish === undefined || answer.uncaptured) return answer
  const finished = channel.finish(answer, exchange) as Answer | undefined
  if (finished?.kind === 'answer') return finished
  throw new TypeError(`gate: finish() of the channel '${channel.name}' returned no answer`)
}

/** Whether some of an answer may be made later than now. */
function mayFlow({ body, uncaptured }: Answer): boolean {
  return uncaptured === true || !(body === null || body instanceof Uint8Array)
}

function render(channel: Channel, refusal: Refusal, exchange: Exchange): Answer {
  return channel.render?.(refusal, exchange) ?? renderProblem(refusal, REFUSALS[refusal.code].title)
}
