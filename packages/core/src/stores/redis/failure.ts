/** What may be said of a failed call. */
export interface Failure {
  /** Redis' code (`OOM`, `READONLY`), Node's (`ECONNRESET`) or a class name. */
  readonly kind: string | undefined
  /** The server works; this call was wrong. */
  readonly isAboutTheCall: boolean
}

/**
 * Names an error without its text: a reply may quote arguments of the command after its first word. An error about one
 * key or script came from a server that works, and must not close the store to everybody else.
 */
export function classify(error: unknown): Failure {
  const { name, code, message } = Object(error) as Partial<Record<'name' | 'code' | 'message', unknown>>
  if (name === 'ReplyError') {
    const kind = /^[A-Z]+\b/.exec(String(message))?.[0] ?? 'ERR'
    return { kind, isAboutTheCall: !SERVES_NOBODY.has(kind) }
  }
  const kind = [code, name].find((candidate) => typeof candidate === 'string')
  return { kind, isAboutTheCall: false }
}

/** Replies by which a server says that it serves nobody at the moment. */
const SERVES_NOBODY: ReadonlySet<string> = new Set([
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'NOAUTH',
  'NOPERM',
  'NOREPLICAS',
  'OOM',
  'READONLY',
])
