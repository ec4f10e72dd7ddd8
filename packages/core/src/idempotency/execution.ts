import { Readable } from 'node:stream'
import type { Exchange, Next } from '../exchange.js'
import type { Answer, Reply } from '../reply.js'
import { locatedPaths } from '../http/location.js'
import { canonicalPathOf } from '../operation.js'
import { isRefusal, type Refusal } from '../refusal.js'
import type { Barrier, BarrierState } from './barrier.js'
import { pause, within } from '../deadline.js'
import type { ExecutionSetting, Won } from './execution-setting.js'
import { keepLease } from './lease.js'
import { capture, type Captured, FAILED, tombstone } from './record.js'
import { claimLost, outcomeUnknown, storeUnavailable } from './refusals.js'
import type { CompletionVerdict, IdempotencyRecord } from './store.js'

/** How often a record is offered to a store that fails: its loss makes an outcome unknown for good. */
const ATTEMPTS = 3

/** The wait before the second attempt; the third waits twice as long. */
const PAUSE = 250

/** An operation that runs as the owner of a cell. */
interface Execution {
  readonly setting: ExecutionSetting
  readonly won: Won
  readonly barrier: Barrier
  readonly exchange: Exchange
}

/**
 * Runs the operation as the cell's owner: whatever it does past the barrier is done once. The client may leave, the
 * work goes on. The answer goes out when its record is stored, and not at all when it can't be.
 */
export async function execute(execution: Execution, next: Next): Promise<Reply> {
  const { setting, won, exchange } = execution
  const { store, clock, lease, storeTimeout } = setting
  const stop = keepLease(
    clock,
    lease / 3,
    () => within(clock, storeTimeout, store.renew(won.cell, won.fence, lease)),
    () => report(execution, 'renew'),
  )
  try {
    return await exchange.detached(() => run(execution, next))
  } finally {
    stop()
  }
}

async function run(execution: Execution, next: Next): Promise<Reply> {
  const { setting, won, barrier, exchange } = execution
  let captured: Captured
  try {
    const reply = await next()
    const state = await barrier.outcome()
    if (state === 'lost' || state === 'unavailable') {
      discard(reply)
      return await stopped(execution, state)
    }
    if (isRefusal(reply)) {
      if (state === 'passed') await settle(execution, FAILED)
      else await withdraw(execution)
      return reply
    }
    if (isUndone(exchange, reply, state)) {
      await withdraw(execution)
      return reply
    }
    captured = await capture(reply, setting.keep, setting.maxBodyBytes)
  } catch (error) {
    const state = await barrier.outcome()
    if (state === 'lost' || state === 'unavailable') return stopped(execution, state)
    if (state === 'ahead') await withdraw(execution)
    else await settle(execution, FAILED)
    throw error
  }
  const { answer, record } = captured
  if (await settle(execution, record)) return answer
  discard(answer)
  return outcomeUnknown(won.cell, 'completion-lost')
}

/** Whether an answer says that nothing was done, so that the key is free for another attempt. */
function isUndone(exchange: Exchange, answer: Answer, state: BarrierState): boolean {
  if (state === 'passed') return false
  return (state === 'ahead' && answer.status >= 400) || asksForItself(exchange, answer)
}

/**
 * 307 and 308 have the client send the same again, elsewhere (RFC 9110 15.4.8). Where that is another spelling of the
 * path, or the path at another origin, it comes with the same key, and a replay would lead it in a circle.
 */
function asksForItself({ path, operation, method }: Exchange, { status, headers }: Answer): boolean {
  if (status !== 307 && status !== 308) return false
  const own = canonicalPathOf(operation, path, method)
  return locatedPaths(path, headers).some((located) => canonicalPathOf(operation, located, method) === own)
}

/** Nobody will read it: what it streams from must not stay open. */
function discard(reply: Reply): void {
  if (reply.kind === 'answer' && reply.body instanceof Readable) reply.body.destroy()
}

/** The handler asked to pass the barrier and must not have: whatever it made of that, nothing was done. */
async function stopped(execution: Execution, state: 'lost' | 'unavailable'): Promise<Refusal> {
  const { won, exchange } = execution
  if (state === 'lost') {
    exchange.report({ type: 'idempotency.claim-lost', operationRef: won.cell })
    return claimLost(won.cell)
  }
  report(execution, 'begin')
  await withdraw(execution)
  return storeUnavailable(won.cell)
}

/** Stores how the operation ended, and says whether it is stored. */
async function settle(execution: Execution, record: IdempotencyRecord): Promise<boolean> {
  const verdict = await complete(execution, record)
  if (verdict === 'full' && record.outcome === 'answered') return settle(execution, tombstone(record))
  const { won, exchange } = execution
  const operationRef = won.cell
  if (verdict === 'stored') {
    const { outcome, status } = record
    exchange.report({ type: 'idempotency.completed', operationRef, outcome, status })
    return true
  }
  exchange.report({ type: 'idempotency.unknown', operationRef, reason: 'completion-lost' })
  return false
}

async function complete(
  execution: Execution,
  record: IdempotencyRecord,
): Promise<CompletionVerdict | 'failed'> {
  const { won, setting } = execution
  const { store, clock, retention, storeTimeout } = setting
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await within(clock, storeTimeout, store.complete(won.cell, won.fence, record, retention))
    } catch {
      report(execution, 'complete')
    }
    if (attempt === ATTEMPTS) return 'failed'
    await pause(clock, PAUSE * attempt)
  }
}

/** There was no effect: the key is free again. If the store fails, the lease lapses. */
async function withdraw(execution: Execution): Promise<void> {
  const { won, setting, exchange } = execution
  const { store, clock, storeTimeout } = setting
  try {
    await within(clock, storeTimeout, store.withdraw(won.cell, won.owner))
    exchange.report({ type: 'idempotency.withdrawn', operationRef: won.cell })
  } catch {
    report(execution, 'withdraw')
  }
}

function report({ exchange, won }: Execution, call: 'begin' | 'renew' | 'complete' | 'withdraw'): void {
  exchange.report({ type: 'idempotency.store-failed', operationRef: won.cell, call })
}
