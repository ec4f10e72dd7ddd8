import { randomId } from '../id.js'
import { checkText } from '../options.js'
import type { HttpIncoming } from './incoming.js'

/** Gives each request an id: the one that a trusted proxy sent, or a new one. */
export interface RequestIds {
  /** The response field that carries it. */
  readonly field: string
  idOf(incoming: HttpIncoming): string
}

/** What is safe in a log line and in a header. */
const ID = /^[\w.:~+/=-]{1,128}$/

/**
 * Reads the option: the field's name.
 *
 * @throws TypeError when it is no field's name.
 */
export function requestIds(option: string, name: unknown): RequestIds | undefined {
  if (name === undefined) return undefined
  const field = checkText(option, name).toLowerCase()
  if (!/^[a-z\d-]+$/.test(field))
    throw new TypeError(`${option} must be a field's name, such as 'x-request-id'`)
  return {
    field,
    idOf(incoming) {
      // A client that chose its id could hide its requests among another's.
      const [sent, second] = incoming.trusted ? incoming.lines(field) : []
      return sent !== undefined && second === undefined && ID.test(sent) ? sent : randomId()
    },
  }
}
