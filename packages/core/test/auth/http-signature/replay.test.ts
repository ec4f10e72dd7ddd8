import { describe, expect, test } from '@jest/globals'
import type { SignatureAlgorithm } from '../../../src/auth/http-signature/algorithms.js'
import type { Remembered, ReplayStore } from '../../../src/auth/replay-store.js'
import { type ExchangeInit, literalExchange } from '../../../src/testing/exchange.js'
import { ALGORITHMS, chain, KEYS, PAYMENT, signed, START } from './signing.js'

const MINUTE = 60_000

function by(algorithm: SignatureAlgorithm): ReturnType<typeof signed> {
  return signed({ algorithm, keyid: algorithm, key: KEYS[algorithm].sign })
}

/** The same request with other signature bytes. */
function withBytes(request: ReturnType<typeof signed>, change: (bytes: Buffer) => Buffer): ExchangeInit {
  const bytes = Buffer.from(/:(.*):/.exec(request.headers['signature'] ?? '')?.[1] ?? '', 'base64')
  return {
    ...request,
    headers: { ...request.headers, signature: `sig=:${change(bytes).toString('base64')}:` },
  }
}

/** Little end first. */
function reversed(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toReversed())
}

function big(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`)
}

describe('a signature', () => {
  test.each(ALGORITHMS)('is good once: %s', async (algorithm) => {
    const gate = chain()
    const request = by(algorithm)
    expect(await gate.verdict(request)).toBe('accepted')
    expect(await gate.verdict(request)).toBe('replayed')
    expect(
      await gate.verdict(
        signed({ algorithm, keyid: algorithm, key: KEYS[algorithm].sign, parameters: ';nonce="2"' }),
      ),
    ).toBe('accepted')
  })

  test('is good once at the same time', async () => {
    const gate = chain()
    const request = signed()
    const verdicts = await Promise.all([1, 2, 3].map(() => gate.verdict(request)))
    expect(verdicts.toSorted()).toEqual(['accepted', 'replayed', 'replayed'])
  })

  // (r, s) and (r, n - s) are both signatures of the same message.
  test.each<[SignatureAlgorithm, bigint]>([
    ['ecdsa-p256-sha256', 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
    [
      'ecdsa-p384-sha384',
      0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    ],
  ])('that anybody can write in another way is still the same: %s', async (algorithm, order) => {
    const request = by(algorithm)
    const flipped = withBytes(request, (bytes) => {
      const half = bytes.byteLength / 2
      const s = (order - big(bytes.subarray(half))).toString(16).padStart(half * 2, '0')
      return Buffer.concat([bytes.subarray(0, half), Buffer.from(s, 'hex')])
    })
    expect(await chain().verdict(flipped)).toBe('accepted')
    const gate = chain()
    expect(await gate.verdict(request)).toBe('accepted')
    expect(await gate.verdict(flipped)).toBe('replayed')
  })

  test('of Ed25519 has no second form', async () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const flipped = withBytes(signed(), (bytes) => {
      const s = big(reversed(bytes.subarray(32))) + order
      return Buffer.concat([
        bytes.subarray(0, 32),
        reversed(Buffer.from(s.toString(16).padStart(64, '0'), 'hex')),
      ])
    })
    expect(await chain().verdict(flipped)).toBe('bad-signature')
  })

  test.each<SignatureAlgorithm>(['rsa-pss-sha512', 'rsa-v1_5-sha256'])(
    'of %s has no second form',
    async (algorithm) => {
      const { n } = KEYS[algorithm].verify.export({ format: 'jwk' }) as { n: string }
      const modulus = big(Buffer.from(n, 'base64url'))
      const longer = withBytes(by(algorithm), (bytes) => Buffer.concat([Buffer.alloc(1), bytes]))
      expect(await chain().verdict(longer)).toBe('bad-signature')
      const raised = withBytes(by(algorithm), (bytes) => {
        const hex = (big(bytes) + modulus).toString(16)
        return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
      })
      expect(await chain().verdict(raised)).toBe('bad-signature')
    },
  )

  // One in 256 begins with a zero, and some verifiers take it without.
  test.each<SignatureAlgorithm>(['rsa-pss-sha512', 'rsa-v1_5-sha256'])(
    'of %s that begins with zero has no shorter form',
    async (algorithm) => {
      const gate = chain()
      const verdicts: string[] = []
      for (let nonce = 0; verdicts.length === 0 && nonce < 20_000; nonce++) {
        const parameters = `;nonce="${nonce}"`
        const request = signed({ algorithm, keyid: algorithm, key: KEYS[algorithm].sign, parameters })
        if (!/^sig=:A[A-P]/.test(request.headers['signature'] ?? '')) continue
        const shorter = withBytes(request, (bytes) => bytes.subarray(1))
        for (const each of [request, shorter]) verdicts.push(await gate.verdict(each))
      }
      expect(verdicts).toEqual(['accepted', 'bad-signature'])
    },
  )

  test.each([
    ['padding left out', (text: string) => text.replace('=:', ':')],
    [
      'stray bits',
      (text: string) =>
        text.replace(/(.)==:/, (_all, last: string) => `${String.fromCharCode(last.charCodeAt(0) + 1)}==:`),
    ],
    ['another label', (text: string) => text.replace('sig=', 'other=')],
  ])('has one spelling: %s', async (_title, respell) => {
    const request = signed()
    const headers = { ...request.headers, signature: respell(request.headers['signature'] ?? '') }
    expect(headers.signature).not.toBe(request.headers['signature'])
    expect(await chain().verdict({ ...request, headers })).toBe('malformed signature')
  })

  test('under another label is the same', async () => {
    const gate = chain()
    const request = signed()
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, value.replace(/^sig=/, 'renamed=')]),
    )
    expect(await gate.verdict(request)).toBe('accepted')
    expect(await gate.verdict({ ...request, headers })).toBe('replayed')
  })

  test('may be used again where that is allowed', async () => {
    const gate = chain({ replay: 'allowed' })
    expect(await gate.verdict(signed())).toBe('accepted')
    expect(await gate.verdict(signed())).toBe('accepted')
  })

  test('that is refused is told so to its maker', async () => {
    const gate = chain()
    await gate.send(signed())
    const { reply } = await gate.send(signed())
    expect(reply.headers['www-authenticate']).toMatch(/error_description="signature was used before"$/)
  })
})

describe('a used signature', () => {
  test('is remembered until no clock within the tolerance would take it', async () => {
    const gate = chain()
    expect(await gate.verdict(signed())).toBe('accepted')
    expect(gate.store.told).toEqual([[expect.any(String), expect.any(String), 2 * MINUTE]])

    await gate.clock.advance(MINUTE + 29_999)
    expect(await gate.verdict(signed())).toBe('replayed')
    await gate.clock.advance(1)
    expect(await gate.verdict(signed())).toBe('expired created')
  })

  test('ends with its own end', async () => {
    const gate = chain()
    await gate.verdict(signed({ parameters: `;expires=${PAYMENT.created + 10}` }))
    expect(gate.store.told[0]?.[2]).toBe(70_000)
  })

  test('is not taken again by a request that began in time and brings its content late', async () => {
    const gate = chain()
    const late = async (ms: number): Promise<string> => {
      const exchange = literalExchange(signed())
      const body = async (): ReturnType<typeof exchange.body> => {
        await new Promise<void>((resolve) => void gate.clock.after(ms, resolve))
        return Buffer.from(PAYMENT.body)
      }
      const verdict = await gate.scheme.verify('', { ...exchange, body })
      return verdict.verdict === 'rejected' ? `${verdict.reason} ${verdict.at}` : verdict.verdict
    }
    const verdicts = Promise.all([89_999, 90_000, 90_001, 200_000].map(late))
    for (let step = 0; step < 4; step++) {
      await new Promise((resolve) => setImmediate(resolve))
      await gate.clock.advance([89_999, 1, 1, 109_999][step] ?? 0)
    }
    expect(await verdicts).toEqual(['accepted', ...Array<string>(3).fill('expired created')])
    expect(gate.store.told).toHaveLength(1)
  })

  test('is charged to its key, and no store sees a part of it', async () => {
    const gate = chain()
    await gate.verdict(signed())
    await gate.verdict(signed({ parameters: ';nonce="2"' }))
    await gate.verdict(by('hmac-sha256'))
    const sources = gate.store.told.map(([, source]) => source)
    expect(sources[0]).toBe(sources[1])
    expect(sources[0]).not.toBe(sources[2])
    expect(JSON.stringify(gate.store.told)).not.toContain('ed25519')
    for (const [id, source] of gate.store.told) expect([id.length, source.length]).toEqual([43, 43])
  })

  test('is remembered only when all else is right', async () => {
    const gate = chain()
    const request = signed()
    await gate.verdict({ ...request, body: '{"amount":9}' })
    await gate.verdict({ ...request, path: '/other' })
    await gate.verdict(signed({ created: PAYMENT.created - 999 }))
    expect(gate.store.told).toEqual([])
    expect(await gate.verdict(request)).toBe('accepted')
  })
})

describe('a replay store', () => {
  test.each<[string, () => Remembered | Promise<Remembered>, number]>([
    ['is full', () => 'full', 0],
    [
      'throws',
      () => {
        throw new Error('away')
      },
      1,
    ],
    ['rejects', () => Promise.reject(new Error('away')), 1],
    ['gives no answer', () => undefined as never, 1],
    ['gives another answer', () => true as never, 1],
  ])('that %s lets nobody in and calls no signature bad', async (_title, remember, errors) => {
    const gate = chain({ replay: { remember } satisfies ReplayStore })
    expect(await gate.verdict(signed())).toBe('auth-unavailable')
    expect(gate.errors).toHaveLength(errors)
  })

  test('that hangs is given up', async () => {
    const gate = chain({ replay: { remember: () => new Promise(() => {}) } })
    const verdict = gate.verdict(signed())
    // The content is read first.
    for (let turn = 0; turn < 20 && gate.clock.pending === 0; turn += 1) await Promise.resolve()
    await gate.clock.advance(250)
    expect(await verdict).toBe('auth-unavailable')
    expect(gate.clock.now()).toBe(START + 250)
  })
})
