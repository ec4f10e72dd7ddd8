import type { FetchFailure } from './jwks-keeper.js'

/** What is used of `fetch`. */
export type FetchKeys = (url: string, init: FetchInit) => Promise<Response>

/** How the keys are asked for. */
export interface FetchInit {
  readonly redirect: 'error'
  readonly headers: Readonly<Record<string, string>>
  /** Aborted at the deadline. */
  readonly signal: AbortSignal
}

/** A document, parsed; or why there is none. */
export type Fetched = { readonly document: unknown } | FetchFailure

/** Fetches a key set: 200 only, no redirects, bytes counted while they stream. Never rejects. */
export async function fetchJwks(
  fetch: FetchKeys,
  url: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Fetched> {
  try {
    const response = await fetch(url, { redirect: 'error', headers: HEADERS, signal })
    if (response.status !== 200 || response.redirected) {
      await response.body?.cancel()
      return 'status'
    }
    const content = await readAtMost(response, maxBytes)
    return content === undefined ? 'too-large' : parse(content)
  } catch {
    return 'network'
  }
}

const HEADERS = { accept: 'application/jwk-set+json, application/json' } as const

async function readAtMost(response: Response, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop cancels the stream.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

function parse(content: Buffer): Fetched {
  try {
    return { document: JSON.parse(content.toString('utf8')) as unknown }
  } catch {
    return 'malformed'
  }
}
