import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { parseIdempotencyKey } from '../../src/idempotency/idempotency-key.js'

const VISIBLE = Array.from({ length: 0x7e - 0x20 }, (_, index) => String.fromCharCode(0x21 + index))
const keys = fc
  .array(fc.constantFrom(...VISIBLE.filter((character) => character !== ',')), {
    minLength: 1,
    maxLength: 255,
  })
  .map((characters) => characters.join(''))

function quoted(key: string): string {
  return `"${key.replaceAll(/["\\]/g, (character) => `\\${character}`)}"`
}

describe('a well-formed key', () => {
  test('is the same bare and quoted, with parameters and with space around it', () => {
    fc.assert(
      fc.property(keys, (key) => {
        const expected = expect.objectContaining({ kind: 'key', key })
        for (const line of [quoted(key), ` ${quoted(key)}\t`, `${quoted(key)};a=1;b;c="x, y"`]) {
          expect(parseIdempotencyKey([line])).toEqual(expected)
        }
        if (!key.startsWith('"')) expect(parseIdempotencyKey([key])).toEqual(expected)
      }),
    )
  })

  test.each(['__proto__', 'constructor', "it's;a=key", '\\"', 'k'.repeat(255)])('may be %j', (key) => {
    expect(parseIdempotencyKey([key])).toMatchObject({ kind: 'key', key })
  })
})

describe('refused as malformed', () => {
  test.each<readonly [string, readonly string[]]>([
    ['an empty line', ['']],
    ['a blank line', [' \t ']],
    ['an empty string', ['""']],
    ['a blank string', ['"  "']],
    ['a space inside', ['a b']],
    ['a quoted space', ['"a b"']],
    ['a comma, as in two joined lines', ['a, b']],
    ['a quoted comma', ['"a,b"']],
    ['two quoted strings', ['"a", "b"']],
    ['two lines', ['a', 'b']],
    ['twice the same line', ['a', 'a']],
    ['a control character', ['a\u0007']],
    ['an 8-bit character', ['k\u00e9y']],
    ['a quoted 8-bit character', ['"k\u00e9y"']],
    ['an unterminated string', ['"abc']],
    ['text after the string', ['"abc"d']],
    ['an unknown escape', ['"a\\b"']],
    ['256 characters', ['k'.repeat(256)]],
    ['256 quoted characters', [`"${'k'.repeat(256)}"`]],
    ['a very long run of spaces', [`a${' '.repeat(16_000)}b`]],
  ])('%s', (_, lines) => {
    expect(parseIdempotencyKey(lines).kind).toBe('malformed')
  })

  test('and the reason never holds the key', () => {
    const parsed = parseIdempotencyKey(['secret key'])
    expect(JSON.stringify(parsed)).not.toContain('secret')
  })
})

test('no line is no key', () => {
  expect(parseIdempotencyKey([])).toEqual({ kind: 'absent' })
})

test('any lines give one of the three answers, and a key is within the bounds', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 }), (lines) => {
      const parsed = parseIdempotencyKey(lines)
      if (parsed.kind === 'key') expect(parsed.key).toMatch(/^[\x21-\x2b\x2d-\x7e]{1,255}$/)
    }),
  )
})

test('a UUID version 7 tells when it was made, other keys do not', () => {
  expect(parseIdempotencyKey(['017F22E2-79B0-7CC3-98C4-DC0C0C07398F'])).toMatchObject({
    time: 0x017f22e279b0,
  })
  expect(parseIdempotencyKey(['"017f22e2-79b0-7cc3-98c4-dc0c0c07398f"'])).toMatchObject({
    time: 0x017f22e279b0,
  })
  expect(parseIdempotencyKey(['919108f7-52d1-4320-9bac-f847db4148a8'])).toMatchObject({ time: undefined })
  expect(parseIdempotencyKey(['order-017f22e2-79b0-7cc3-98c4-dc0c0c07398f'])).toMatchObject({
    time: undefined,
  })
})
