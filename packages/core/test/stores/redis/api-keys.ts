import { apiKey, type ApiKeyOptions, type ApiKeyScheme } from '../../../src/auth/api-key.js'
import { createApiKey, type IssuedApiKey } from '../../../src/auth/api-key-form.js'
import type { ApiKeyRecord } from '../../../src/auth/api-key-record.js'
import { authenticate } from '../../../src/auth/authenticate.js'
import type { Scheme } from '../../../src/auth/scheme.js'
import type { Answer } from '../../../src/reply.js'
import { literalExchange } from '../../../src/testing/exchange.js'

const ANSWER: Answer = { kind: 'answer', status: 200, headers: {}, body: null }

/** A new key and a record of it. */
export function issue(more: Partial<ApiKeyRecord> = {}): { issued: IssuedApiKey; record: ApiKeyRecord } {
  const issued = createApiKey('hg')
  const { digest, keyId } = issued
  return { issued, record: { digest, keyId, subject: 'bot', ...more } }
}

/** A scheme that remembers nothing, unless it is said. */
export function schemeOf(lookup: ApiKeyOptions['lookup'], more: Partial<ApiKeyOptions> = {}): ApiKeyScheme {
  return apiKey({ lookup, prefix: 'hg', cache: 'off', deadline: '20s', ...more })
}

/** `accepted`, `undecided`, or the reason of a rejection. */
export async function ask(scheme: Scheme, { key }: IssuedApiKey): Promise<string> {
  const verdict = await scheme.verify(key, literalExchange())
  return verdict.verdict === 'rejected' ? verdict.reason : verdict.verdict
}

/** What a client gets. */
export async function statusOf(scheme: Scheme, { key }: IssuedApiKey): Promise<number> {
  const exchange = literalExchange({ headers: { 'x-api-key': key } })
  return (await authenticate([scheme]).handle(exchange, async () => ANSWER)).status
}
