import { SERVE_DEFAULTS } from '@headgate/core'
import { describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** What proves a class of attack: a test's file and its title. */
const proofs = [...read('docs/security.md').matchAll(/\| `(\S+\.test\.ts)`: (.+?)\s*\|$/gm)].map(
  ([, file = '', title = '']) => [file, title] as const,
)

describe('docs/security.md', () => {
  test('has a table of proofs', () => {
    expect(proofs.length).toBeGreaterThan(20)
  })

  test.each(proofs)('names a test that is there: %s, %s', (file, title) => {
    expect(read(file)).toContain(title)
  })
})

describe('docs/serve.md', () => {
  test.each(Object.entries(SERVE_DEFAULTS))('says the default of %s', (option, value) => {
    const shown = typeof value === 'string' ? `'${value}'` : String(value)
    const row = new RegExp(`^\\| \`${option}\` +\\| \`(.+?)\``, 'm').exec(read('docs/serve.md'))
    expect(row?.[1]).toBe(shown)
  })
})
