import { type Incoming, type Refusal, refuse } from '@headgate/core'

/**
 * Whether the content may be read as JSON: one `Content-Type` out of `mediaTypes`, UTF-8, not compressed.
 *
 * @param mediaTypes lower case, without parameters.
 */
export function checkMediaType(incoming: Incoming, mediaTypes: readonly string[]): Refusal | undefined {
  const coding = incoming.header('content-encoding')?.trim().toLowerCase()
  if (coding !== undefined && coding !== '' && coding !== 'identity') {
    return refuse('media-type-unsupported', {
      detail: 'The body must not be compressed.',
      headers: { 'accept-encoding': 'identity' },
    })
  }
  // Node keeps the first of several lines, a proxy may have judged by the last.
  const lines = incoming.lines('content-type')
  if (lines.length === 1 && isAccepted(lines[0] ?? '', mediaTypes)) return undefined
  return refuse('media-type-unsupported', {
    detail: `The body needs one Content-Type, in UTF-8, out of: ${mediaTypes.join(', ')}.`,
    headers: { accept: mediaTypes.join(', ') },
  })
}

/** JSON between systems is UTF-8 (RFC 8259 8.1); the parameter has no meaning there, but many clients send it. */
function isAccepted(contentType: string, mediaTypes: readonly string[]): boolean {
  const [type = '', ...parameters] = contentType.toLowerCase().split(';')
  return mediaTypes.includes(type.trim()) && parameters.every(isUtf8OrNoCharset)
}

function isUtf8OrNoCharset(parameter: string): boolean {
  const text = parameter.trim()
  return !text.startsWith('charset=') || /^charset="?utf-?8"?$/.test(text)
}
