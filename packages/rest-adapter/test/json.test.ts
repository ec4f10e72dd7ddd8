import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { parseJson } from '../src/json.js'

const parse = (text: string): unknown => parseJson(Buffer.from(text))
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

describe('parseJson', () => {
  test('gives any JSON value as it was', () => {
    const harmless = fc
      .jsonValue({ maxDepth: 5 })
      .filter((value) => !JSON.stringify(value).includes('__proto__'))
    fc.assert(
      fc.property(harmless, (value) => {
        const text = JSON.stringify(value)
        expect(parse(text)).toEqual({ value: JSON.parse(text) })
      }),
    )
  })

  test('is total: any bytes are a value or a refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const parsed = parseJson(bytes)
        expect('value' in parsed || parsed.code === 'body-malformed').toBe(true)
      }),
    )
  })

  test('a refusal holds nothing of the content', () => {
    const refusal = JSON.stringify(parse('{"secret-4711": oops}'))
    expect(refusal).toContain('body-malformed')
    expect(refusal).not.toContain('4711')
    expect(refusal).not.toContain('oops')
  })

  test.each([
    '{"__proto__":{"admin":true}}',
    '{"a":[{"b":{"\\u005f_proto__":1}}]}',
    '[{"constructor":{"prototype":{"admin":true}}}]',
  ])('%s is refused', (text) => {
    expect(parse(text)).toMatchObject({ code: 'body-malformed' })
  })

  test('a member that is only called constructor is a value like any other', () => {
    expect(parse('{"constructor":"Gaudi"}')).toEqual({ value: { constructor: 'Gaudi' } })
  })

  test('100 levels are read, 101 are refused, 400000 do not fill the stack', () => {
    expect(parse(nested(100))).toHaveProperty('value')
    expect(parse(nested(101))).toMatchObject({ code: 'body-malformed' })
    expect(parse(nested(400_000))).toMatchObject({ code: 'body-malformed' })
  })
})
