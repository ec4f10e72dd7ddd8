/** What a body parser before the gate left on Koa's request: the text (koa-bodyparser) or only the parsed value. */
export function parsedBody(request: object): Uint8Array | undefined {
  const { rawBody, body } = request as { rawBody?: unknown; body?: unknown }
  if (typeof rawBody === 'string') return Buffer.from(rawBody)
  if (rawBody instanceof Uint8Array) return rawBody
  return body === undefined ? undefined : Buffer.from(JSON.stringify(body))
}
