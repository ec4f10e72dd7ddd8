import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { Router } from '@koa/router'
import { canonicalPaths } from '../src/canonical-path.js'
import { chosen, isRoute, matchRequest } from '../src/match.js'
import { operation } from '../src/operation.js'
import { routeReader } from '../src/route.js'

const routeOf = routeReader()

/** The spelling a router gives a path under a prefix that a mount cut off. */
function spelling(router: Router, local: string, method = 'GET', prefix = ''): string {
  const match = matchRequest(router, { path: local, method } as never)
  if (match.kind !== 'route') return prefix + local
  const sent = prefix + local
  return canonicalPaths(router, routeOf)(sent, { ...match, method })?.(sent, method) ?? sent
}

/** All that can tell two paths apart behind a router: what runs, and the parameters it gets. */
function told(router: Router, path: string): unknown {
  const { pathAndMethod } = router.match(path, 'GET')
  const first = chosen(router, pathAndMethod.filter(isRoute))
  if (first === undefined) return path
  const alone = routeOf(first).declaration !== undefined
  return pathAndMethod
    .filter((layer) => layer === first || !isRoute(layer) || !alone)
    .map((layer) => [router.stack.indexOf(layer), layer.params(path, layer.captures(path))])
}

const done = (): void => undefined
const declared = operation({})

const PLAIN = new Router()
  .get('/items', declared, done)
  .get('/items/new', declared, done)
  .get('/items/:id', declared, done)
  .get('/items/:id/parts/:part', declared, done)
  .get('/files/*path', declared, done)
const STRICT = new Router({ sensitive: true, strict: true }).get('/items/:id', declared, done)

/** Routers that take, tell apart and shadow spellings in different ways. */
const ROUTERS: readonly (readonly [string, Router])[] = [
  ['plain', PLAIN],
  ['sensitive and strict', STRICT],
  [
    'handing on',
    new Router()
      .get('/items/:id', done)
      .get('/:section/:id', done)
      .get('/:section', done)
      .get('/items', done),
  ],
  [
    'with middleware that captures',
    new Router().use('/:section', done).get('/items/:id', declared, done).get('/items', declared, done),
  ],
  [
    'with expressions and groups',
    new Router().get(/^\/items\/(\w+)$/i, declared, done).get('/items{/:id}/parts', declared, done),
  ],
  [
    'exclusive',
    new Router({ exclusive: true }).get('/items/:id', declared, done).get('/items/new', declared, done),
  ],
  ['with a prefix', new Router({ prefix: '/items' }).get('/', declared, done).get('/:id', declared, done)],
]

const segment = fc.constantFrom(
  'items',
  'ITEMS',
  'Items',
  'i%74ems',
  'new',
  'NEW',
  '%6eew',
  'n%65w',
  'parts',
  'Parts',
)
const value = fc.constantFrom(
  '1',
  '%31',
  'a',
  'A',
  '%41',
  'a%2Fb',
  'a%2fb',
  'a/b',
  'a%20b',
  '.',
  '%2e',
  '..',
  '%2E.',
  'a+b',
  '%2B',
)
const path = fc
  .tuple(
    fc.array(fc.oneof(segment, value, fc.constant(''), fc.constant('files')), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '/', '//'),
  )
  .map(([parts, end]) => `/${parts.join('/')}${end}`)

describe.each(ROUTERS)('behind a router %s', (_what, router) => {
  test('two paths that it tells apart never get one spelling', () => {
    fc.assert(
      fc.property(fc.array(path, { minLength: 60, maxLength: 60 }), (paths) => {
        const firsts = new Map<string, string>()
        for (const each of paths) {
          const found = spelling(router, each)
          const first = firsts.get(found)
          if (first === undefined) firsts.set(found, each)
          else expect(told(router, each)).toEqual(told(router, first))
        }
      }),
      { numRuns: 50 },
    )
  })

  test('a spelling is its own spelling', () => {
    fc.assert(
      fc.property(path, (one) => {
        const found = spelling(router, one)
        expect(spelling(router, found)).toBe(found)
      }),
      { numRuns: 300 },
    )
  })
})

/** The same characters, some of them percent-encoded. */
const encoded = (text: string): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom('as is', 'upper', 'lower'), { minLength: text.length, maxLength: text.length })
    .map((how) =>
      Array.from(text)
        .map((character, index) => {
          const code = `%${character.charCodeAt(0).toString(16)}`
          return how[index] === 'as is' ? character : how[index] === 'upper' ? code.toUpperCase() : code
        })
        .join(''),
    )
const cased = (text: string): fc.Arbitrary<string> =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) => Array.from(text, (c, index) => (upper[index] ? c.toUpperCase() : c)).join(''))

describe('spellings of one path', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9._~-]{1,8}$/)

  test('are one, in case, percent-encoding and a last slash', () => {
    const variant = fc
      .tuple(id, id)
      .filter(([item]) => item !== 'new')
      .chain(([item, part]) =>
        fc
          .tuple(cased('items'), encoded(item), cased('parts'), encoded(part), fc.constantFrom('', '/'))
          .map(([items, one, parts, other, end]) => ({
            plainly: `/items/${item}/parts/${part}`,
            sent: `/${items}/${one}/${parts}/${other}${end}`,
          })),
      )
    fc.assert(
      fc.property(variant, ({ plainly, sent }) => {
        expect(spelling(PLAIN, sent)).toBe(plainly)
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['/ITEMS/', '/items'],
    ['/items/%31', '/items/1'],
    ['/items/a%2fb', '/items/a%2Fb'],
    ['/items/A', '/items/A'],
    ['/items/%6Eew', '/items/%6Eew'], // another route than /items/new
    ['/files/A/%62//c', '/files/A/b//c'],
    ['//items', '//items'],
  ])('%s is %s', (sent, expected) => {
    expect(spelling(PLAIN, sent)).toBe(expected)
  })

  test('stay apart where the router does', () => {
    for (const sent of ['/items/1', '/items/1/', '/ITEMS/1']) expect(spelling(STRICT, sent)).toBe(sent)
  })

  test('of two mounts are two', () => {
    expect(spelling(PLAIN, '/ITEMS/1', 'GET', '/v1')).toBe('/v1/items/1')
    expect(spelling(PLAIN, '/ITEMS/1', 'GET', '/v2')).toBe('/v2/items/1')
  })

  test('are not looked for where the path was rewritten', () => {
    const match = matchRequest(PLAIN, { path: '/items/1', method: 'GET' } as never)
    if (match.kind !== 'route') throw new Error('no route')
    expect(canonicalPaths(PLAIN, routeOf)('/old/1', { ...match, method: 'GET' })).toBeUndefined()
  })
})
