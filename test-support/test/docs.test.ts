import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const pages = ['.', 'docs', 'examples', ...foldersIn('packages'), ...foldersIn('examples')].flatMap(
  (folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith('.md'))
      .map((file) => join(folder, file)),
)

function foldersIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
}

interface Block {
  readonly page: string
  readonly line: number
  readonly code: string
}

/** Every fenced block of a language, with the line it begins at. */
function blocks(language: string): Block[] {
  return pages.flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8')
    const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')
    return [...text.matchAll(fence)].map((match) => ({
      page,
      line: text.slice(0, match.index).split('\n').length + 1,
      code: match[1] ?? '',
    }))
  })
}

describe('the documentation', () => {
  let project = ''
  beforeAll(() => {
    mkdirSync(join(root, 'node_modules/.cache'), { recursive: true })
    project = mkdtempSync(join(root, 'node_modules/.cache/docs-'))
  })
  afterAll(() => rmSync(project, { recursive: true, force: true }))

  test('every ts block compiles against the packages as they ship', () => {
    for (const { page, line, code } of blocks('ts')) {
      const name = `${page.replaceAll(/\W+/g, '-')}-line-${line}.ts`
      writeFileSync(join(project, name), `${code}\nexport {}\n`)
    }
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        extends: '../../../tsconfig.base.json',
        compilerOptions: {
          composite: false,
          declaration: false,
          declarationMap: false,
          sourceMap: false,
          noEmit: true,
          noUnusedLocals: false,
          noUnusedParameters: false,
          exactOptionalPropertyTypes: false,
        },
        include: ['*.ts'],
      }),
    )
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [tsc, '--pretty', 'false', '-p', project], {
      encoding: 'utf8',
    })
    expect(stdout).toBe('')
  }, 60_000)

  test('every package has a page for its registry, with a command to install it and an example', () => {
    for (const folder of foldersIn('packages')) {
      const page = join(folder, 'README.md')
      const { name } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
        name: string
      }
      const text = readFileSync(join(root, page), 'utf8')
      expect(text).toMatch(new RegExp(`^# ${name}$`, 'm'))
      expect(text).toMatch(new RegExp(`^npm install .*${name}( |$)`, 'm'))
      expect(blocks('ts').some((block) => block.page === page)).toBe(true)
    }
  })

  test('every link to a file leads somewhere', () => {
    const broken = pages.flatMap((page) =>
      [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
        .map(([, target]) => join(root, page, '..', target ?? ''))
        .filter((target) => {
          try {
            readFileSync(target)
            return false
          } catch (error) {
            return (error as NodeJS.ErrnoException).code !== 'EISDIR'
          }
        }),
    )
    expect(broken).toEqual([])
  })

  test('every link into a page names a heading of it', () => {
    const broken = pages.flatMap((page) =>
      [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)]
        .map(([, target = '', anchor = '']) => ({
          target: target === '' ? page : join(page, '..', target),
          anchor,
        }))
        .filter(({ target, anchor }) => !anchorsOf(target).has(anchor))
        .map(({ target, anchor }) => `${page}: ${target}#${anchor}`),
    )
    expect(broken).toEqual([])
  })
})

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const text = readFileSync(join(root, page), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '')
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
