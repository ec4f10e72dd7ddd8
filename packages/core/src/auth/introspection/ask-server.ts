import { LATE, withDeadline } from '../../deadline.js'
import { readJson } from '../endpoint.js'
import type { JsonObject } from '../jwt/compact.js'
import { isAnswer } from './answer.js'
import type { IntrospectionFailure } from './options.js'
import type { IntrospectionSettings } from './settings.js'

/** Asks the server about a token (RFC 7662 2.1). Never rejects. */
export async function askServer(
  token: string,
  settings: IntrospectionSettings,
): Promise<JsonObject | IntrospectionFailure> {
  const { clock, deadline } = settings
  try {
    const answer = await withDeadline(clock, deadline, (signal) => post(token, settings, signal))
    return answer === LATE ? 'deadline' : answer
  } catch {
    return 'network'
  }
}

async function post(
  token: string,
  { fetch, endpoint, authorization, maxBytes }: IntrospectionSettings,
  signal: AbortSignal,
): Promise<JsonObject | IntrospectionFailure> {
  const response = await fetch(endpoint, {
    method: 'POST',
    redirect: 'error',
    headers: {
      accept: 'application/json',
      authorization: await authorization(),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
    signal,
  })
  if (response.status !== 200 || response.redirected) {
    await response.body?.cancel()
    return response.status === 401 || response.status === 403 ? 'own-credentials' : 'status'
  }
  const read = await readJson(response, maxBytes)
  if (typeof read === 'string') return read
  return isAnswer(read.document) ? read.document : 'malformed'
}
