import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { apiKey } from '../../auth/api-key.js'
import { apiKeyDigest } from '../../auth/api-key-digest.js'
import { memoryApiKeys } from '../../auth/api-key-memory.js'
import { authenticate } from '../../auth/authenticate.js'
import { cache } from '../../cache/cache.js'
import { idempotency } from '../../idempotency/idempotency.js'
import type { RateLimitOptions } from '../../rate-limit/options.js'
import { rateLimit } from '../../rate-limit/rate-limit.js'
import { memoryIdempotencyStore } from '../../stores/memory/idempotency.js'
import { memoryStores } from '../../stores/memory/index.js'
import { ManualClock } from '../manual-clock.js'
import { ScenarioItems } from './items.js'
import type { ScenarioAction, ScenarioProtocol } from './protocol.js'

/** Who may ask: two writers and one who only reads. */
export type Caller = 'ann' | 'bob' | 'reader'

/** How an action is sent. */
export interface SendOptions {
  /** Default `ann`; `null` sends no credential. */
  readonly as?: Caller | null
  /** The `Idempotency-Key`. Default: none. */
  readonly key?: string
  /** Further request fields; an array is several lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

/** What came back. */
export interface ScenarioReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly code: string | undefined
  readonly data: unknown
}

/** A service behind a whole gate, on a real socket and a clock that stands still. */
export interface ScenarioGateway {
  readonly clock: ManualClock
  readonly items: ScenarioItems
  readonly send: (action: ScenarioAction, options?: SendOptions) => Promise<ScenarioReply>
  readonly close: () => Promise<void>
}

const KEYS: Readonly<Record<Caller, string>> = {
  ann: 'hg_scenario_ann_0123456789abcdef',
  bob: 'hg_scenario_bob_0123456789abcdef',
  reader: 'hg_scenario_reader_0123456789abcdef',
}

/** How many idempotency keys are kept for one caller. */
export const KEYS_A_CALLER = 5

/** Starts a protocol's service behind authenticate, rateLimit, idempotency and cache. */
export async function openGateway(
  protocol: ScenarioProtocol,
  quota: RateLimitOptions['quotas'][number] = { name: 'burst', limit: 1_000, window: '1m', burst: 100 },
): Promise<ScenarioGateway> {
  const clock = new ManualClock()
  const stores = memoryStores({ clock })
  const items = new ScenarioItems()
  const lookup = memoryApiKeys(
    Object.entries(KEYS).map(([subject, key]) => ({
      digest: apiKeyDigest(key),
      keyId: `key-of-${subject}`,
      subject,
      scopes: subject === 'reader' ? ['items:read'] : ['items:read', 'items:write'],
    })),
  )
  const listener = protocol.serve(
    [
      authenticate([apiKey({ lookup, clock })]),
      rateLimit({ store: stores.rateLimit, quotas: [quota] }),
      idempotency({ store: memoryIdempotencyStore({ clock, maxEntries: 4 * KEYS_A_CALLER }), clock }),
      cache({ store: stores.cache, clock }),
    ],
    items,
  )
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    clock,
    items,
    async send(action, { as = 'ann', key, headers } = {}) {
      const { method, path, body, headers: own } = protocol.request(action)
      const request = sendRequest({
        host: '127.0.0.1',
        port,
        method,
        path,
        headers: {
          ...own,
          ...(as !== null && { 'x-api-key': KEYS[as] }),
          ...(key !== undefined && { 'idempotency-key': key }),
          ...(headers as Record<string, string>),
        },
      })
      request.end(body)
      const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream & Response]
      return readReply(protocol, response)
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

interface Response {
  readonly statusCode?: number
  readonly headers: IncomingHttpHeaders
}

async function readReply(
  protocol: ScenarioProtocol,
  response: NodeJS.ReadableStream & Response,
): Promise<ScenarioReply> {
  let text = ''
  for await (const chunk of response) text += String(chunk)
  const parsed: unknown = /json/.test(response.headers['content-type'] ?? '') ? JSON.parse(text) : undefined
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    code: parsed === undefined ? undefined : protocol.code(parsed),
    data: parsed === undefined ? undefined : protocol.data(parsed),
  }
}
