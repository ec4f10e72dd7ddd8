import type { Answer } from '../reply.js'
import type { Refusal } from '../refusal.js'

/** What the RateLimit header fields draft has a type for; the others are named by their code. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['quota-exceeded', 'https://iana.org/assignments/http-problem-types#quota-exceeded'],
  ['caller-blocked', 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected'],
  ['rate-limit-unavailable', 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity'],
  ['overloaded', 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity'],
])

/** Renders a refusal as `application/problem+json` (RFC 9457) with its `code`. */
export function renderProblem(refusal: Refusal, title: string): Answer {
  const { code, status, detail, members, headers } = refusal
  const type = TYPES.get(code) ?? `urn:headgate:problem:${code}`
  return problemAnswer(status, { type, title, status, detail, code, ...members }, headers)
}

/** An answer with a problem document of its own. */
export function problemAnswer(
  status: number,
  problem: Readonly<Record<string, unknown>>,
  headers: Answer['headers'] = {},
): Answer {
  return {
    kind: 'answer',
    status,
    headers: { 'cache-control': 'no-store', ...headers, 'content-type': 'application/problem+json' },
    body: Buffer.from(JSON.stringify(problem)),
  }
}
