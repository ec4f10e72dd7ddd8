/** One part of a multipart body. */
export interface Part {
  /** Its header lines, names lower-cased: the field's name, the file's name, the type. */
  readonly head: string
  readonly content: Uint8Array
}

/**
 * Takes a multipart body (RFC 2046 5.1) apart, without loss but for the boundary.
 *
 * @returns undefined for anything but parts between delimiters: a preamble, an epilogue, a missing end.
 */
export function partsOf(body: Uint8Array, boundary: string): readonly Part[] | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const opening = Buffer.from(`--${boundary}\r\n`, 'latin1')
  if (!bytes.subarray(0, opening.length).equals(opening)) return undefined

  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  const parts: Part[] = []
  let at = opening.length
  for (;;) {
    const end = bytes.indexOf(delimiter, at)
    if (end === -1) return undefined
    const part = partOf(bytes.subarray(at, end))
    if (part === undefined) return undefined
    parts.push(part)
    at = end + delimiter.length + 2
    const mark = bytes.toString('latin1', at - 2, at)
    if (mark === '--') return ['', '\r\n'].includes(bytes.toString('latin1', at)) ? parts : undefined
    if (mark !== '\r\n') return undefined
  }
}

function partOf(bytes: Buffer): Part | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const lines = bytes.toString('latin1', 0, end).split('\r\n')
  const head = lines.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase())).join('\r\n')
  return { head, content: bytes.subarray(end + 4) }
}
