import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { keyOf } from '../src/key.js'

const part = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom('', ':', ';', 's1:a', 'a', 'ab', '\u0000', '\ud800', '\udc00', '\ufffd'),
  fc.integer(),
  fc.uint8Array(),
  fc.constant(undefined),
)
const parts = fc.array(part, { maxLength: 5 })

/** A spelling of the parts that differs exactly when the parts do. */
function spelling(list: readonly unknown[]): string {
  return JSON.stringify(
    list.map((item) => {
      if (item instanceof Uint8Array) return ['bytes', ...item]
      if (typeof item === 'string')
        return ['text', ...Array.from({ length: item.length }, (_, i) => item.charCodeAt(i))]
      return [typeof item, String(item)]
    }),
  )
}

describe('keyOf', () => {
  test('equal parts make equal keys, different parts different ones, whatever they hold', () => {
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(keyOf(...one) === keyOf(...other)).toBe(spelling(one) === spelling(other))
      }),
      { numRuns: 2_000 },
    )
  })

  test('moving a boundary between parts makes another key', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), (left, right) => {
        expect(keyOf(left, right)).not.toBe(keyOf(left + right.slice(0, 1), right.slice(1)))
        expect(keyOf(left, right)).not.toBe(keyOf(left + right))
      }),
    )
  })

  test('lone surrogates, which UTF-8 folds into one character, stay apart', () => {
    expect(new Set([keyOf('\ud800'), keyOf('\ud801'), keyOf('\ufffd'), keyOf('\udc00')]).size).toBe(4)
  })

  test('a key shows nothing of its parts and has a fixed length', () => {
    const key = keyOf('Bearer secret-token', 'x'.repeat(10_000))
    expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(key).not.toContain('secret')
  })
})
