import { constants, createHmac, type KeyObject, sign } from 'node:crypto'
import { contentDigest } from '../auth/http-signature/content-digest.js'
import type { SignatureAlgorithm } from '../auth/http-signature/algorithms.js'
import { readSignature, signatureBase } from '../auth/http-signature/message-signature.js'
import { STRUCTURED_TYPES, type StructuredTypes } from '../auth/http-signature/component-values.js'

/** A request to sign, and how. */
export interface SignRequestInit {
  readonly method: string
  /** The whole URL, as the service behind its proxies knows it. */
  readonly url: string
  /** Request fields, lower-cased names; an array is several lines. Default: none. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Default: no content. */
  readonly body?: string | Uint8Array
  /** The id by which the service finds the key. */
  readonly keyid: string
  readonly algorithm: SignatureAlgorithm
  /** A private key; for `hmac-sha256` a secret one. */
  readonly key: KeyObject
  /** Seconds since the Unix epoch. */
  readonly created: number
  /**
   * Component identifiers as they stand in `Signature-Input`. Default `"@method"`, `"@target-uri"`, where there is
   * content `"content-digest"`, and `"idempotency-key"` if the request has it.
   */
  readonly components?: readonly string[]
  /** More parameters as they stand in `Signature-Input`, such as `;tag="app"`. Default: none. */
  readonly parameters?: string
  /** Default `sig`. */
  readonly label?: string
  /** Structured types of fields of your own, for `sf`. Default: the registered ones. */
  readonly structuredFields?: StructuredTypes
}

/**
 * The fields that sign a request (RFC 9421): `signature-input`, `signature`, and `content-digest` where there is
 * content. For tests of services that verify signatures.
 */
export function signRequest(init: SignRequestInit): Record<string, string> {
  const { method, url, headers = {}, keyid, created, parameters = '', label = 'sig' } = init
  const content = Buffer.from(init.body ?? '')
  const digest =
    content.byteLength > 0 && headers['content-digest'] === undefined
      ? { 'content-digest': contentDigest(content) }
      : {}
  const all: Readonly<Record<string, string | readonly string[]>> = { ...headers, ...digest }
  const components = init.components ?? [
    '"@method"',
    '"@target-uri"',
    ...['content-digest', 'idempotency-key']
      .filter((name) => all[name] !== undefined)
      .map((name) => `"${name}"`),
  ]
  const written = `(${components.join(' ')});created=${created};keyid="${keyid}"${parameters}`
  const fields = { ...digest, 'signature-input': `${label}=${written}` }
  const { origin, pathname: path, search } = new URL(url)
  const sent: Readonly<Record<string, string | readonly string[]>> = {
    ...all,
    ...fields,
    signature: `${label}=:AAAA:`,
  }
  const message = {
    method,
    origin,
    path,
    query: search.slice(1),
    lines: (name: string) => [sent[name] ?? []].flat(),
  }
  const tag = /;tag="([^"]*)"/.exec(parameters)?.[1]
  const signature = readSignature(message, tag)
  if ('verdict' in signature)
    throw new TypeError(`signRequest: ${signature.at ?? 'signature'} is ${signature.reason}`)
  const types = { ...STRUCTURED_TYPES, ...init.structuredFields }
  const base = signatureBase(message, signature.components, written, types)
  if (base === undefined) throw new TypeError('signRequest: the request lacks a covered component')
  const bytes = signBase(base, init).toString('base64')
  return { ...fields, signature: `${label}=:${bytes}:` }
}

function signBase(base: string, { algorithm, key }: SignRequestInit): Buffer {
  const data = Buffer.from(base, 'latin1')
  switch (algorithm) {
    case 'ed25519':
      return sign(null, data, key)
    case 'ecdsa-p256-sha256':
      return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })
    case 'ecdsa-p384-sha384':
      return sign('sha384', data, { key, dsaEncoding: 'ieee-p1363' })
    case 'rsa-pss-sha512':
      return sign('sha512', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 })
    case 'rsa-v1_5-sha256':
      return sign('sha256', data, { key, padding: constants.RSA_PKCS1_PADDING })
    case 'hmac-sha256':
      return createHmac('sha256', key).update(data).digest()
  }
}
