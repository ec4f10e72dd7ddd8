/** How a request is sent. */
export interface Sending {
  readonly token?: string
  /** The `Idempotency-Key`. */
  readonly key?: string
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is, in place of `json`. */
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** What came back. */
export interface Received {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed content where it is JSON of any kind. */
  readonly json: any // eslint-disable-line typescript/no-explicit-any -- a test looks into it by hand
}

/** Sends requests to a gateway over real HTTP. */
export interface Client {
  readonly send: (method: string, path: string, sending?: Sending) => Promise<Received>
  /** POSTs a GraphQL request as the common clients do. */
  readonly query: (
    document: string,
    variables?: Record<string, unknown>,
    sending?: Sending,
  ) => Promise<Received>
  /** A token of the development issuer. */
  readonly token: (sub: string, scope?: string) => Promise<string>
}

/** All that the inventory asks for. */
export const EVERYTHING = 'items:read items:write users:read'

/** A client of the gateway at `url`. */
export function clientOf(url: string): Client {
  const send: Client['send'] = async (method, path, { token, key, json, body, headers } = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(key !== undefined && { 'idempotency-key': key }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: json === undefined ? (body ?? null) : JSON.stringify(json),
    })
    const text = await response.text()
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson && text !== '' ? JSON.parse(text) : undefined,
    }
  }
  return {
    send,
    query: (query, variables, sending) =>
      send('POST', '/graphql', { ...sending, json: { query, variables } }),
    async token(sub, scope = EVERYTHING) {
      const { json } = await send('POST', '/dev/token', { json: { sub, scope } })
      return json.access_token
    },
  }
}
