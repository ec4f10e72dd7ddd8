import { describe, expect, test } from '@jest/globals'
import { createSecretKey, generateKeyPairSync } from 'node:crypto'
import type { SignatureKey } from '../../../src/auth/http-signature/signature-key.js'
import { refuse } from '../../../src/refusal.js'
import { literalExchange } from '../../../src/testing/exchange.js'
import { ALGORITHMS, chain, KEYS, lookup, PAYMENT, signed, START } from './signing.js'

const KEY: SignatureKey = { algorithm: 'ed25519', key: KEYS.ed25519.verify, subject: 'billing' }

describe('a signed request', () => {
  test.each(ALGORITHMS)('is known by its key: %s', async (algorithm) => {
    const gate = chain()
    const { identity } = await gate.send(signed({ algorithm, keyid: algorithm, key: KEYS[algorithm].sign }))
    expect(identity).toMatchObject({
      scheme: 'http-signature',
      subject: `service-${algorithm}`,
      scopes: ['pay'],
      credentialId: algorithm,
    })
    expect(identity?.issuedAt).toBe(START)
    expect(identity?.claims).toMatchObject({ created: PAYMENT.created })
    expect(identity?.claims['covered']).toEqual([
      '"@method"',
      '"@target-uri"',
      '"content-digest"',
      '"idempotency-key"',
    ])
  })

  test('leaves its content readable', async () => {
    const { exchange } = await chain().send(signed())
    expect(await exchange.body(100)).toEqual(Buffer.from(PAYMENT.body))
  })

  test('of another key than the one it names is refused', async () => {
    const other = generateKeyPairSync('ed25519').privateKey
    expect(await chain().verdict(signed({ key: other }))).toBe('bad-signature')
  })

  test('of an unknown key gets the very answer of a wrong one', async () => {
    const gate = chain()
    const unknown = await gate.send(signed({ keyid: 'nobody' }))
    const wrong = await gate.send(signed({ key: generateKeyPairSync('ed25519').privateKey }))
    expect(unknown.reply).toEqual(wrong.reply)
    expect(unknown.reply).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Signature realm="api", error="invalid_signature"' },
    })
    expect(unknown.exchange.events).toMatchObject([{ reason: 'unknown-key', at: 'keyid' }])
    expect(wrong.exchange.events).toMatchObject([{ reason: 'bad-signature' }])
  })

  test('has the algorithm of its key, whatever it says', async () => {
    const gate = chain({
      lookup: () => ({ ...KEY, algorithm: 'hmac-sha256', key: KEYS['hmac-sha256'].verify }),
    })
    expect(await gate.verdict(signed())).toBe('bad-signature')
    expect(await gate.verdict(signed({ parameters: ';alg="ed25519"' }))).toBe('wrong-type alg')
    expect(await chain().verdict(signed({ parameters: ';alg="ed25519"' }))).toBe('accepted')
    expect(await chain().verdict(signed({ parameters: ';alg="hmac-sha256"' }))).toBe('wrong-type alg')
  })

  test('by a public key used as a secret is refused (algorithm confusion)', async () => {
    const pem = KEYS['rsa-v1_5-sha256'].verify.export({ format: 'pem', type: 'spki' })
    const forged = signed({
      keyid: 'rsa-v1_5-sha256',
      algorithm: 'hmac-sha256',
      key: createSecretKey(Buffer.from(pem)),
      parameters: ';alg="hmac-sha256"',
    })
    expect(await chain().verdict(forged)).toBe('wrong-type alg')
  })

  test('may come by two keys while they are changed', async () => {
    const next = generateKeyPairSync('ed25519')
    const keys = new Map([
      ['2025', KEY],
      ['2026', { ...KEY, key: next.publicKey }],
    ])
    const gate = chain({ lookup: (keyid) => keys.get(keyid) })
    const old = await gate.send(signed({ keyid: '2025' }))
    const renewed = await gate.send(signed({ keyid: '2026', key: next.privateKey }))
    expect(old.identity?.key).toBe(renewed.identity?.key)
    keys.delete('2025')
    expect(await gate.verdict(signed({ keyid: '2025' }))).toBe('unknown-key keyid')
  })

  test('is looked up also where the answer takes a while', async () => {
    expect(await chain({ lookup: async (keyid) => lookup(keyid) }).verdict(signed())).toBe('accepted')
  })
})

describe('what must be covered', () => {
  const DIGEST = '"content-digest"'

  test.each([
    ['the method', ['"@target-uri"', DIGEST, '"idempotency-key"'], 'claim-missing @method'],
    ['the address', ['"@method"', DIGEST, '"idempotency-key"'], 'claim-missing @target-uri'],
    [
      'a part of the address',
      ['"@method"', '"@path"', DIGEST, '"idempotency-key"'],
      'claim-missing @target-uri',
    ],
    ['a key that has effect', ['"@method"', '"@target-uri"', DIGEST], 'claim-missing idempotency-key'],
    ['content', ['"@method"', '"@target-uri"', '"idempotency-key"'], 'claim-missing content-digest'],
    [
      'one digest of several',
      ['"@method"', '"@target-uri"', '"idempotency-key"', '"content-digest";key="sha-256"'],
      'claim-missing content-digest',
    ],
  ])('%s', async (_title, components, expected) => {
    expect(await chain().verdict(signed({ components }))).toBe(expected)
  })

  test('content is covered also by its bytes or its structure', async () => {
    for (const form of ['sf', 'bs']) {
      const components = ['"@method"', '"@target-uri"', '"idempotency-key"', `${DIGEST};${form}`]
      expect(await chain().verdict(signed({ components }))).toBe('accepted')
    }
  })

  test('fields are covered where the request has them', async () => {
    const gate = chain({ components: ['@method', 'x-account'] })
    expect(await gate.verdict(signed())).toBe('accepted')
    const request = signed()
    expect(await gate.verdict({ ...request, headers: { ...request.headers, 'x-account': '7' } })).toBe(
      'claim-missing x-account',
    )
  })

  test('a request without content needs no digest', async () => {
    const gate = chain()
    expect(await gate.verdict(signed({ method: 'GET', body: '', headers: {} }))).toBe('accepted')
  })

  test('content that is ignored is not read', async () => {
    const gate = chain({ content: 'ignored' })
    const { exchange } = await gate.send({
      ...signed({ components: ['"@method"', '"@target-uri"', '"idempotency-key"'] }),
    })
    expect(exchange.identity?.subject).toBe('service-ed25519')
  })

  test('a nonce, where it is demanded', async () => {
    const gate = chain({ nonce: 'required' })
    expect(await gate.verdict(signed())).toBe('claim-missing nonce')
    expect(await gate.verdict(signed({ parameters: ';nonce="n1"' }))).toBe('accepted')
  })
})

describe('the application a signature is made for', () => {
  test('is the one that is named, and none other', async () => {
    const tagged = signed({ parameters: ';tag="pay"' })
    expect(await chain({ tag: 'pay' }).verdict(tagged)).toBe('accepted')
    expect(await chain({ tag: 'other' }).verdict(tagged)).toBe('wrong-type tag')
    expect(await chain().verdict(tagged)).toBe('wrong-type tag')
    expect(await chain({ tag: 'pay' }).verdict(signed())).toBe('wrong-type tag')
  })

  test('tells its signature from others', async () => {
    const mine = signed({ label: 'mine', parameters: ';tag="pay"' })
    const proxy = signed({ label: 'proxy', parameters: ';tag="proxy"' })
    const both = {
      ...mine,
      headers: {
        ...mine.headers,
        'signature-input': [proxy.headers['signature-input'] ?? '', mine.headers['signature-input'] ?? ''],
        signature: `${mine.headers['signature']} ,\t${proxy.headers['signature']}`,
      },
    }
    expect(await chain({ tag: 'pay' }).verdict(both)).toBe('accepted')
    expect(await chain({ tag: 'proxy' }).verdict(both)).toBe('accepted')
    expect(await chain().verdict(both)).toBe('wrong-type tag')
  })

  test('two signatures for it are one too many', async () => {
    const one = signed({ label: 'a' })
    const two = signed({ label: 'b' })
    const both = {
      ...one,
      headers: {
        ...one.headers,
        'signature-input': `${one.headers['signature-input']}, ${two.headers['signature-input']}`,
        signature: `${one.headers['signature']}, ${two.headers['signature']}`,
      },
    }
    expect(await chain().verdict(both)).toBe('malformed tag')
  })

  test('chooses between two schemes of a chain', () => {
    const { scheme } = chain({ tag: 'pay' })
    const input = signed({ parameters: ';tag="pay"' }).headers['signature-input'] ?? ''
    expect(scheme.claims?.(input)).toBe(true)
    expect(chain().scheme.claims?.(input)).toBe(false)
    expect(scheme.claims?.('junk(')).toBe(false)
  })
})

describe('the time of a signature', () => {
  test.each([
    ['made now', 0, 'accepted'],
    ['made by a clock that is the tolerance ahead', 30, 'accepted'],
    ['made later than that', 31, 'issued-in-future created'],
    ['made so long ago as allowed', -89, 'accepted'],
    ['made a second earlier', -90, 'expired created'],
  ])('%s', async (_title, seconds, expected) => {
    expect(await chain().verdict(signed({ created: PAYMENT.created + seconds }))).toBe(expected)
  })

  test.each([
    ['that is not over', 1, 'accepted'],
    ['that is over by less than the tolerance', -29, 'accepted'],
    ['that is over', -30, 'expired created'],
  ])('an end of its own %s', async (_title, seconds, expected) => {
    const parameters = `;expires=${PAYMENT.created + seconds}`
    expect(await chain().verdict(signed({ created: PAYMENT.created - 60, parameters }))).toBe(expected)
  })

  test('an end of its own does not make it longer', async () => {
    const parameters = `;expires=${PAYMENT.created + 999_999}`
    expect(await chain().verdict(signed({ created: PAYMENT.created - 90, parameters }))).toBe(
      'expired created',
    )
  })

  test('is told to who made it, and is no guess', async () => {
    const { reply } = await chain().send(signed({ created: PAYMENT.created - 999 }))
    expect(reply.headers['www-authenticate']).toBe(
      'Signature realm="api", error="invalid_signature", error_description="signature too old"',
    )
  })
})

describe('content', () => {
  test.each<[string, object, string]>([
    ['another one', { body: '{"amount":9}' }, 'bad-signature content-digest'],
    ['none', { body: '' }, 'bad-signature content-digest'],
    ['one byte more', { body: `${PAYMENT.body} ` }, 'bad-signature content-digest'],
  ])('%s than was signed is refused', async (_title, change, expected) => {
    expect(await chain().verdict({ ...signed(), ...change })).toBe(expected)
  })

  const SHA256 = 'sha-256=:h6YrfdGuaMYVzU96o3h9wp6UpBmf3UWyDwSmuhUGpzA=:'
  test.each([
    ['no digest that protects', 'md5=:Sd/dVLAcvNLSq16eXua5uQ==:', 'bad-signature content-digest'],
    ['a wrong one', SHA256, 'bad-signature content-digest'],
    ['what is none', 'junk', 'bad-signature content-digest'],
    ['text', 'sha-256="a"', 'bad-signature content-digest'],
    ['an empty list', '', 'bad-signature content-digest'],
  ])('a digest must be one: %s', async (_title, digest, expected) => {
    const headers = { ...PAYMENT.headers, 'content-digest': digest }
    expect(await chain().verdict(signed({ headers }))).toBe(expected)
  })

  test('every digest that is known must be right, others are not read', async () => {
    const right = signed().headers['content-digest'] ?? ''
    const both = { ...PAYMENT.headers, 'content-digest': `${right}, md5=:AAAA:` }
    expect(await chain().verdict(signed({ headers: both }))).toBe('accepted')
    const wrong = { ...PAYMENT.headers, 'content-digest': `${right}, sha-512=:AAAA:` }
    expect(await chain().verdict(signed({ headers: wrong }))).toBe('bad-signature content-digest')
  })

  test('that is too long is that fault and no bad signature', async () => {
    const { reply, exchange } = await chain({ maxContentBytes: 5 }).send(signed())
    expect(reply).toMatchObject({ code: 'body-too-large', status: 413 })
    expect(exchange.events).toMatchObject([{ code: 'body-too-large', reason: 'malformed', at: 'content' }])
  })

  test('that ends too early is that fault and no bad signature', async () => {
    const refusal = refuse('body-incomplete')
    const exchange = { ...literalExchange(signed()), body: () => Promise.resolve(refusal) }
    expect(await chain().scheme.verify('', exchange)).toMatchObject({ genuine: true, at: 'content', refusal })
  })

  test('is read for who made the signature only', async () => {
    const { scheme } = chain()
    let reads = 0
    const request = signed({ key: generateKeyPairSync('ed25519').privateKey })
    const exchange = {
      ...literalExchange(request),
      body: () => {
        reads += 1
        return Promise.resolve(new Uint8Array())
      },
    }
    expect(await scheme.verify('', exchange)).toMatchObject({ verdict: 'rejected', reason: 'bad-signature' })
    expect(reads).toBe(0)
  })
})
