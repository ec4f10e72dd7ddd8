import type { Answer, Budget, Exchange, Fields } from '@headgate/core'

/** What a request cost, in the words of Shopify's API, which clients know. */
export interface CostReport {
  readonly requestedQueryCost: number
  /** Null where a quota refused the request: it cost nothing. */
  readonly actualQueryCost: number | null
  /** Of the tightest budget; not there where no limiter decided. */
  readonly throttleStatus?: ThrottleStatus
}

interface ThrottleStatus {
  readonly maximumAvailable: number
  readonly currentlyAvailable: number
  /** In a second. */
  readonly restoreRate: number
}

/** Says what a request cost, and how its budget stands now. Asked when every policy is through. */
export function costReport(exchange: Exchange, outcome: 'answered' | 'refused'): CostReport {
  const { cost } = exchange.operation
  const budget = tightest(exchange.budgets?.() ?? [], cost)
  return {
    requestedQueryCost: cost,
    actualQueryCost: outcome === 'refused' ? null : (exchange.spent ?? cost),
    ...(budget && { throttleStatus: throttleStatusOf(budget) }),
  }
}

/** The budget that would make the same request wait longest, then the one with the least left. */
function tightest(budgets: readonly Budget[], cost: number): Budget | undefined {
  const wait = ({ remaining, perSecond }: Budget): number => Math.max(0, cost - remaining) / perSecond
  return budgets.toSorted((one, other) => wait(other) - wait(one) || one.remaining - other.remaining)[0]
}

function throttleStatusOf({ burst, remaining, perSecond }: Budget): ThrottleStatus {
  return { maximumAvailable: burst, currentlyAvailable: remaining, restoreRate: perSecond }
}

/** How the documents begin that are answered here. */
const BEGINNINGS: readonly string[] = ['{"data":', '{"errors":']

/**
 * Adds a report to an answer, whether it was executed, stored or replayed: no store keeps it, neither here nor
 * behind. Answers without a document stay as they are: a 304, what a policy says itself. What GET would get is not known
 * to HEAD, so that says neither how long it is nor its name.
 */
export function withCost(answer: Answer, exchange: Exchange): Answer {
  const { status, body } = answer
  if (status === 200 && exchange.method === 'HEAD') return { ...answer, headers: unnamed(answer), body: null }
  if (status !== 200 || !(body instanceof Uint8Array)) return answer
  const content = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (!BEGINNINGS.some((beginning) => content.subarray(0, beginning.length).equals(Buffer.from(beginning)))) {
    return answer
  }
  const cost = costReport(exchange, 'answered')
  return {
    ...answer,
    headers: unnamed(answer),
    body: Buffer.concat([content.subarray(0, -1), Buffer.from(`,"extensions":${JSON.stringify({ cost })}}`)]),
  }
}

/** What an answer was is not what it is: neither is its name, its length, how long it lasts. */
function unnamed({ headers }: Answer): Fields {
  const { etag: _etag, 'content-length': _length, ...others } = headers
  return { ...others, 'cache-control': 'no-store' }
}
