import { finished, Readable } from 'node:stream'
import type { Reply } from './reply.js'

/** Calls `done` once, when a reply has nothing more to send: at once, or when its stream ended, failed or was left. */
export function whenSent(reply: Reply, done: () => void): void {
  if (reply.kind === 'answer' && reply.body instanceof Readable) finished(reply.body, done)
  else done()
}
