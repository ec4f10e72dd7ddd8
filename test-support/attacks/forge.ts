import { createHmac, createPublicKey, type JsonWebKey, KeyObject, sign } from 'node:crypto'
import { goodClaims, goodHeader, type Signer } from '../../packages/core/test/auth/jwt/tokens.js'

/** Signs any header and any payload text with a real key: also what no library would sign. */
export function signRaw(
  signer: Signer,
  header: object,
  payload: string = JSON.stringify(goodClaims()),
): string {
  const text = `${encode({ ...goodHeader(signer), ...header })}.${Buffer.from(payload).toString('base64url')}`
  const key = KeyObject.from(signer.privateKey as never)
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

/** A token without its signature. */
export function unsigned(signer: Signer, header: object): string {
  return `${encode({ ...goodHeader(signer), ...header })}.${encode(goodClaims())}`
}

/** Signs with a secret, as HS256. */
export function signSecret(signer: Signer, secret: string | Buffer): string {
  const text = unsigned(signer, { alg: 'HS256' })
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

/** Every form in which a library may hold a public key, and so mistake it for a secret. */
export function publicForms({ jwk }: Signer): readonly (string | Buffer)[] {
  const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
  const pem = key.export({ type: 'spki', format: 'pem' }).toString()
  const members = [jwk.n, jwk.x, jwk.y].filter((member) => member !== undefined)
  return [
    pem,
    pem.trim(),
    pem.replaceAll('\n', ''),
    key.export({ type: 'spki', format: 'der' }),
    JSON.stringify(jwk),
    JSON.stringify({ keys: [jwk] }),
    ...members.flatMap((member) => [member, Buffer.from(member, 'base64url')]),
    '',
  ]
}

/** The certificate field's form: bytes in base64. */
export function keyAsCertificate({ jwk }: Signer): string {
  const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
  return key.export({ type: 'spki', format: 'der' }).toString('base64')
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
