import { requestFingerprint } from '../idempotency/fingerprint.js'
import { createOperation, effectOf, isCacheableMethod, type Operation } from '../operation.js'
import type { Incoming } from '../exchange.js'
import { isRefusal, type Refusal, refuse } from '../refusal.js'

/** What a service may say of a request that no route declaration describes. */
export type OperationHints = Partial<
  Pick<Operation, 'access' | 'cost' | 'effect' | 'idempotency' | 'cache' | 'name' | 'quotas'>
>

/** The largest body that is read for a fingerprint where nobody says otherwise: 1 MiB. */
const BODY_LIMIT = 1_048_576

/** Describes a request by HTTP's own semantics: all that is known without a router. */
export function describeHttp(incoming: Incoming, hints: OperationHints = {}): Operation {
  const { method } = incoming
  return createOperation({
    protocol: 'http',
    name: `${method} *`,
    effect: effectOf(method),
    // Only POST and PATCH are not idempotent by themselves (RFC 9110 9.2.2).
    idempotency: method === 'POST' || method === 'PATCH' ? 'optional' : 'off',
    cache: isCacheableMethod(method) ? {} : 'off',
    fingerprint: () => fingerprintOf(incoming),
    ...hints,
  })
}

/** Describes a request whose target nobody can read: it is gated like any other, then refused. */
export function describeMalformed({ method }: Incoming): Operation {
  const refusal = refuse('request-malformed')
  return createOperation({
    protocol: 'http',
    name: `${method} (malformed)`,
    effect: effectOf(method),
    idempotency: 'off',
    cache: 'off',
    fingerprint: () => refusal,
    contract: () => Promise.resolve(refusal),
  })
}

/** A digest of the query, the media type and the content. */
export async function fingerprintOf(
  incoming: Incoming,
  limit: number = BODY_LIMIT,
): Promise<string | Refusal> {
  const content = await incoming.body(limit)
  return isRefusal(content) ? content : requestFingerprint(incoming, content)
}
