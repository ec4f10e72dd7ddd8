import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { parseCompact } from '../../../src/auth/jwt/compact.js'

const LIMIT = 8_192
const object = fc.dictionary(fc.string(), fc.jsonValue())
const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 })

describe('parseCompact', () => {
  test('reads what was written', () => {
    fc.assert(
      fc.property(object, object, bytes, (header, payload, signature) => {
        const expected = JSON.parse(JSON.stringify({ header, payload })) as unknown
        expect(JSON.stringify(parseCompact(compact(header, payload, signature), 1e6))).toBe(
          JSON.stringify(expected),
        )
      }),
    )
  })

  test('is total: any string gives a token or nothing', () => {
    const parts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.base64String(), fc.json()), {
      maxLength: 5,
    })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          parts.map((part) => part.join('.')),
        ),
        (text) => {
          parseCompact(text, LIMIT)
        },
      ),
    )
    expect(parseCompact(`${encode('['.repeat(5_000))}.e30.AA`, LIMIT)).toBeUndefined()
  })

  test('accepts one spelling of a token only', () => {
    fc.assert(
      fc.property(
        object,
        bytes,
        fc.nat(),
        fc.string({ unit: 'binary', maxLength: 1 }),
        (header, signature, at, extra) => {
          const token = compact(header, {}, signature)
          const place = at % (token.length + 1)
          const inserted = token.slice(0, place) + extra + token.slice(place)
          const replaced = token.slice(0, place) + extra + token.slice(place + 1)
          for (const other of [inserted, replaced]) {
            if (other === token || parseCompact(other, LIMIT) === undefined) continue
            expect(decoded(other)).not.toEqual(decoded(token))
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('refuses every loose form that decoders take', () => {
    const good = 'e30.e30.AA'
    expect(parseCompact(good, LIMIT)).toEqual({ header: {}, payload: {} })
    const loose = [
      'e30.e30.AB', // trailing bits
      'e30=.e30.AA',
      'e30.e30.AA==',
      'e30.e30.A',
      ' e30.e30.AA',
      'e30.e30.AA\n',
      'e3\u00a00.e30.AA',
      'e30.e30.',
      'e30.e30',
      '.e30.AA',
      'e30..AA',
      'e30.e30.AA.AA',
      'e30.e30.AA.',
      `${encode('[]')}.e30.AA`,
      `${encode('null')}.e30.AA`,
      `e30.${encode('"text"')}.AA`,
      `e30.${Buffer.from('\u{feff}{}').toString('base64url')}.AA`,
      `e30.${Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('base64url')}.AA`,
    ]
    for (const token of loose) expect(parseCompact(token, LIMIT)).toBeUndefined()
  })

  test('refuses what is longer than the limit', () => {
    const token = compact({}, {}, new Uint8Array(30))
    expect(parseCompact(token, token.length)).toBeDefined()
    expect(parseCompact(token, token.length - 1)).toBeUndefined()
  })
})

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}

function compact(header: unknown, payload: unknown, signature: Uint8Array): string {
  return [JSON.stringify(header), JSON.stringify(payload), Buffer.from(signature)]
    .map((part) => Buffer.from(part as string).toString('base64url'))
    .join('.')
}

function decoded(token: string): readonly string[] {
  return token.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'))
}
