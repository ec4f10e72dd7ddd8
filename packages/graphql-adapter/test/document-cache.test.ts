import { describe, expect, test } from '@jest/globals'
import { documentCache } from '../src/document-cache.js'
import { readEntities } from '../src/entities.js'
import { inventorySchema } from './inventory.js'

const schema = inventorySchema()
const compiler = {
  schema,
  entities: readEntities(schema),
  validationRules: [],
  rules: new Map(),
  limits: { maxTokens: 15_000, maxDepth: 64, maxFields: 5_000 },
}

describe('the cache of documents', () => {
  test('a text is compiled once, whether it can run or not', () => {
    const { compile } = documentCache(compiler, { maxEntries: 10, maxBytes: 1_000_000 })
    for (const text of ['{ whoami }', '{ nothing }', '{']) {
      expect(compile(text, undefined)).toBe(compile(text, undefined))
    }
  })

  test('each operation of a text is an entry of its own', () => {
    const { compile } = documentCache(compiler, { maxEntries: 10, maxBytes: 1_000_000 })
    const text = 'query A { whoami } query B { viewer { id } }'
    const names = ['A', 'B'].map((name) => compile(text, name))
    expect(names).toMatchObject([{ name: 'query A' }, { name: 'query B' }])
    expect(compile(text, undefined)).toMatchObject({ code: 'operation-resolution-failure' })
  })

  test('a name and a text never meet another name and text', () => {
    const { compile } = documentCache(compiler, { maxEntries: 10, maxBytes: 1_000_000 })
    expect(compile('1:AA{whoami}', undefined)).not.toBe(compile('A{whoami}', 'A'))
    expect(compile('-{whoami}', undefined)).not.toBe(compile('{whoami}', ''))
    expect(compile('query A{whoami}', 'A')).toMatchObject({ kind: 'runnable' })
    expect(compile('Aquery A{whoami}', '')).toMatchObject({ kind: 'rejected' })
  })

  test('it holds no more documents than it is told', () => {
    const { compile } = documentCache(compiler, { maxEntries: 2, maxBytes: 1_000_000 })
    const first = compile('{ a: whoami }', undefined)
    compile('{ b: whoami }', undefined)
    expect(compile('{ a: whoami }', undefined)).toBe(first)
    compile('{ c: whoami }', undefined)
    compile('{ d: whoami }', undefined)
    expect(compile('{ a: whoami }', undefined)).not.toBe(first)
  })

  test('it holds no more bytes than it is told', () => {
    const { compile } = documentCache(compiler, { maxEntries: 100, maxBytes: 10_000 })
    const long = `{ whoami } # ${'x'.repeat(100)}`
    expect(compile(long, undefined)).not.toBe(compile(long, undefined))
    expect(compile('{ whoami }', undefined)).toBe(compile('{ whoami }', undefined))
  })

  test('a flood of texts that can not run pushes no document out', () => {
    const { compile } = documentCache(compiler, { maxEntries: 4, maxBytes: 1_000_000 })
    const kept = compile('{ whoami }', undefined)
    for (let number = 0; number < 100; number += 1) compile(`{ nothing${number} }`, undefined)
    expect(compile('{ whoami }', undefined)).toBe(kept)
  })

  test('a text is read once, also where nobody validates it', () => {
    const { read } = documentCache(compiler, { maxEntries: 10, maxBytes: 1_000_000 })
    expect(read('{ whoami }', undefined)).toBe(read('{ whoami }', undefined))
    expect(read('{ whoami }', undefined)).toMatchObject({
      kind: 'drafted',
      draft: { name: 'query (whoami)' },
    })
  })

  test('a flood of texts that nobody validates pushes out neither documents nor rejections', () => {
    const { read, compile } = documentCache(compiler, { maxEntries: 4, maxBytes: 1_000_000 })
    const kept = ['{ whoami }', '{ nothing }'].map((text) => compile(text, undefined))
    for (let number = 0; number < 100; number += 1) read(`{ a${number}: whoami }`, undefined)
    expect(compile('{ whoami }', undefined)).toBe(kept[0])
    expect(compile('{ nothing }', undefined)).toBe(kept[1])
  })
})
