/**
 * Checks the URL of a server that is asked about credentials.
 *
 * @throws TypeError that names the option. The URL comes from the configuration and is never quoted: it may hold a secret.
 */
export function checkEndpoint(option: string, text: string, allowLoopback: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const loopback = allowLoopback && url?.protocol === 'http:' && LOOPBACK.test(url.hostname)
  if (url === undefined || (url.protocol !== 'https:' && !loopback)) {
    throw new TypeError(`${option} must be an https: URL (http: only to loopback, with allowLoopback)`)
  }
  if (url.username !== '' || url.password !== '') throw new TypeError(`${option} must hold no credentials`)
  return url.href
}

/** A document, parsed; or why there is none. */
export type ReadJson = { readonly document: unknown } | 'too-large' | 'malformed'

/** Reads JSON from a response: its bytes are counted while they stream. */
export async function readJson(response: Response, maxBytes: number): Promise<ReadJson> {
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop cancels the stream.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) return 'too-large'
    chunks.push(chunk)
  }
  try {
    return { document: JSON.parse(Buffer.concat(chunks, size).toString('utf8')) as unknown }
  } catch {
    return 'malformed'
  }
}

/** As the URL parser writes it: it turns every spelling of an IPv4 address into four decimal numbers. */
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/
