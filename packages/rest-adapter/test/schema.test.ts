import { describe, expect, test } from '@jest/globals'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import * as fc from 'fast-check'
import { type FieldError, MOST_ERRORS, validate } from '../src/schema.js'

function failing(issues: readonly StandardSchemaV1.Issue[]): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } }
}

async function errorsOf(issues: readonly StandardSchemaV1.Issue[]): Promise<readonly FieldError[]> {
  const checked = await validate(failing(issues), undefined)
  return 'errors' in checked ? checked.errors : []
}

/** RFC 6901 4, read back. */
function segmentsOf(pointer: string): string[] {
  return pointer === '' ? [] : pointer.slice(1).split('/').map(unescape)
}

function unescape(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~')
}

describe('validate', () => {
  test('a path of keys, indices and segment objects becomes a JSON pointer that reads back', async () => {
    const key = fc.oneof(fc.string({ unit: fc.constantFrom('~', '/', '0', '1', 'a', '') }), fc.nat(9))
    const segment = fc.oneof(
      key,
      key.map((each) => ({ key: each })),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(segment), async (path) => {
        const [error] = await errorsOf([{ message: 'wrong', path }])
        const keys = path.map((each) => String(typeof each === 'object' ? each.key : each))
        expect(segmentsOf(error?.pointer ?? 'missing')).toEqual(keys)
      }),
    )
  })

  test('an issue without a path is about the whole value', async () => {
    expect(await errorsOf([{ message: 'wrong' }])).toEqual([{ pointer: '', detail: 'wrong' }])
  })

  test('the list is bounded in entries and in text', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({ message: 'no', path: [index] }))
    expect(await errorsOf(many)).toHaveLength(MOST_ERRORS)
    const long = many.map(({ message }) => ({ message, path: ['k'.repeat(10_000)] }))
    expect(JSON.stringify(await errorsOf(long)).length).toBeLessThan(20_000)
  })

  test('an empty list of issues is a failure: the spec says that any list is one', async () => {
    expect(await validate(failing([]), 1)).toEqual({ errors: [] })
  })

  test('the value is the one the schema returns', async () => {
    const doubling: StandardSchemaV1 = {
      '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value: Number(value) * 2 }) },
    }
    expect(await validate(doubling, '21')).toEqual({ value: 42 })
  })
})
