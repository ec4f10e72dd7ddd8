import { STATUS_CODES } from 'node:http'
import { type Answer, type HandlerError, problemAnswer } from '@headgate/core'

/** What a handler says with `ctx.throw(404, 'No such item.')` or a bare status, as a problem document (RFC 9457). */
export function renderError({ status, message, headers }: HandlerError): Answer {
  const title = STATUS_CODES[status] ?? 'Error'
  // RFC 9457 4.2.1: about:blank says no more than the status does, and its title is the status's phrase.
  const problem = { type: 'about:blank', title, status }
  return problemAnswer(status, message === title ? problem : { ...problem, detail: message }, headers)
}
