import { pipeline, type Readable, Transform } from 'node:stream'

/** The whole content, or why there is no copy of it. */
export type Copy = Uint8Array | 'too-large' | 'truncated'

/**
 * Gives a stream that passes everything on as it comes, and a copy of up to `limit` bytes when `source` has ended
 * cleanly. A client that leaves, and an error, end the source and drop the copy.
 */
export function tee(source: Readable, limit: number, done: (copy: Copy) => void): Readable {
  let chunks: Buffer[] | undefined = []
  let size = 0
  let settled = false
  const settle = (copy: Copy): void => {
    if (!settled) done(copy)
    settled = true
    chunks = undefined
  }
  const through = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      size += chunk.byteLength
      if (size > limit) chunks = undefined
      chunks?.push(chunk)
      next(null, chunk)
    },
    flush(next) {
      settle(chunks === undefined ? 'too-large' : Buffer.concat(chunks, size))
      next()
    },
    destroy(error, next) {
      settle('truncated')
      next(error)
    },
  })
  // The error arrives at whoever reads `through`; here is nothing to do about it.
  pipeline(source, through, () => {})
  return through
}
