import { readJson } from '../endpoint.js'
import type { FetchFailure } from './kept-keys.js'

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
    return await readJson(response, maxBytes)
  } catch {
    return 'network'
  }
}

const HEADERS = { accept: 'application/jwk-set+json, application/json' } as const
