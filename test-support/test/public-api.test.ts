import { describe, expect, test } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

const ENTRIES = [
  'packages/core/src/index.ts',
  'packages/core/src/stores/redis/index.ts',
  'packages/core/src/testing/index.ts',
  'packages/rest-adapter/src/index.ts',
  'packages/graphql-adapter/src/index.ts',
]

const docs = readdirSync(join(root, 'docs'))
  .map((file) => read(join('docs', file)))
  .concat(read('README.md'))
  .join('\n')

interface Export {
  readonly name: string
  /** `interface`, `function`, ... */
  readonly kind: string
  readonly comment: string | undefined
  /** What stands after the name. */
  readonly rest: string
}

const COMMENT = String.raw`/\*\*(?:(?!\*/)[\s\S])*\*/`

const exported = ENTRIES.flatMap(exportsOf)
const options = exported
  .filter(({ name, kind }) => kind === 'interface' && /(?:Options|Quota|Declaration|Rule|yInit)$/.test(name))
  .flatMap(({ name, rest }) => membersOf(rest).map((member) => ({ ...member, owner: name })))

describe('what the packages export', () => {
  test('has a doc comment', () => {
    const bare = exported.filter(({ comment }) => comment === undefined)
    expect(bare.map(({ name }) => name)).toEqual([])
  })

  test('and can be called or read stands in the documentation', () => {
    const values = exported.filter(({ kind }) => kind !== 'interface' && kind !== 'type')
    const unknown = values.filter(
      // What all constants of defaults have in common is said once.
      ({ name }) => !name.endsWith('_DEFAULTS') && !new RegExp(`\\b${name}\\b`).test(docs),
    )
    expect(unknown.map(({ name }) => name)).toEqual([])
  })
})

describe('every option of every exported interface', () => {
  test('was found', () => {
    expect(options.length).toBeGreaterThan(200)
  })

  test('says what it is, and what holds where it is left out', () => {
    const silent = options.filter(
      ({ comment, isOptional }) =>
        comment === undefined || (isOptional && !/default|required|one of/i.test(comment)),
    )
    expect(silent.map(nameOf)).toEqual([])
  })

  test('stands in the documentation', () => {
    const unknown = options.filter(({ name }) => !new RegExp(`\`[^\`\n]*\\b${name}\\b[^\`\n]*\``).test(docs))
    expect(unknown.map(nameOf)).toEqual([])
  })
})

test('every event stands in the documentation', () => {
  const sources = ENTRIES.flatMap((entry) => filesBelow(dirname(entry))).map(read)
  const types = sources.flatMap((text) =>
    [...text.matchAll(/readonly type: '([a-z]+(?:-[a-z]+)*\.[a-z-]+)'/g)].map(([, type = '']) => type),
  )
  expect(types.length).toBeGreaterThan(30)
  expect(types.filter((type) => !docs.includes(`\`${type}\``))).toEqual([])
})

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file))
}

function nameOf({ owner, name }: { owner: string; name: string }): string {
  return `${owner}.${name}`
}

/** What an entry exports, with its declaration. */
function exportsOf(entry: string): Export[] {
  return [...read(entry).matchAll(/export (?:type )?\{([^}]*)\} from '([^']+)'/g)].flatMap(
    ([, list = '', from = '']) => {
      const file = join(dirname(entry), from.replace(/\.js$/, '.ts'))
      return list
        .split(',')
        .map((name) => name.trim().replace(/^type /, ''))
        .filter((name) => name !== '')
        .map((name) => declarationOf(file, name))
    },
  )
}

function declarationOf(file: string, name: string): Export {
  const text = read(file)
  const declaration = new RegExp(
    `(?:^(${COMMENT})\\n)?^export (?:async )?(interface|type|function|const|class) ${name}\\b`,
    'm',
  ).exec(text)
  if (declaration === null) throw new Error(`${file} declares no ${name}`)
  const [whole, comment, kind = ''] = declaration
  return { name, kind, comment, rest: text.slice(declaration.index + whole.length) }
}

/** The members of an interface, by their indentation. */
function membersOf(rest: string): { name: string; isOptional: boolean; comment: string | undefined }[] {
  const body = rest.slice(rest.indexOf('{\n'), rest.indexOf('\n}'))
  return [
    ...body.matchAll(
      new RegExp(`(?:^ {2}(${COMMENT})\\n)?(?:^ {2}//.*\\n)?^ {2}(?:readonly )?(\\w+)(\\??)[:(<]`, 'gm'),
    ),
  ].map(([, comment, name = '', mark]) => ({ name, isOptional: mark === '?', comment }))
}
