/** A request that broke the gateway once, and must not again. */
export interface Found {
  readonly what: string
  /** The bytes, in base64. */
  readonly request: string
}

/** Add what `npm run fuzz` reports. */
export const CORPUS: readonly Found[] = [
  { what: 'a URL without a host', request: text('GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n') },
]

function text(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('base64')
}
