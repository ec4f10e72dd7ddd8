import { describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REFUSALS } from '@headgate/core'

const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8')

/** Code and status of every row. */
const rows = [...page.matchAll(/^\| `([a-z-]+)` +\| (\d{3}) +\|/gm)].map(
  ([, code, status]) => `${code} ${status}`,
)

describe('docs/errors.md', () => {
  test('has exactly one row for each refusal, with its status', () => {
    const defined = Object.entries(REFUSALS).map(([code, { status }]) => `${code} ${status}`)
    expect(rows.toSorted()).toEqual(defined.toSorted())
  })
})
