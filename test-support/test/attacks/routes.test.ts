import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { adding, documentOf, PROTOCOLS, type Wish } from '../../attacks/protocols.js'
import { NOTHING_DONE } from '../../attacks/service.js'
import { API_KEY, openTarget, type Target } from '../../attacks/target.js'
import { send, type Sent } from '../../attacks/wire.js'

const WITH_KEY = ['X-API-Key', API_KEY] as const
const JSON_TYPE = ['Content-Type', 'application/json'] as const

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
beforeEach(() => void Object.assign(target.done, NOTHING_DONE))
afterAll(() => target.close())

const get = (path: string): Sent => ({ method: 'GET', target: path })

/** Ways to write a path that some server, proxy or router takes for it: `N` is its name, `F` its first letter in hex. */
const SPELLINGS = (
  '/N/ /N// //N ///N /./N /x/../N /x/..;/N /UPPER /Upper /%F /%25F /%2fN /N%2f /N%00 /N%20 /N%09 /N%0d%0a /N%3f ' +
  '/N;x=1 /N.json /N.css /N..;/ /N#x /N?# /N? /me/../N /me/%2e%2e/N /me/..%2fN /me%2f..%2fN \\N /\\N N * ' +
  'http://api.example/N HTTP://other.example/N http://api.example//N //api.example/N /N%c0%af /N%ef%bc%8f'
).split(' ')

function spellings(path: string): readonly string[] {
  const name = path.slice(1)
  const rest = name.slice(1)
  return SPELLINGS.map((spelling) =>
    spelling
      .replace('UPPER', name.toUpperCase())
      .replace('Upper', name.charAt(0).toUpperCase() + rest)
      .replace('F', name.charCodeAt(0).toString(16) + rest)
      .replace('N', name),
  )
}

describe('route confusion', () => {
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'QUERY', 'get']

  test('over REST: no spelling and no method finds a route without its policy', async () => {
    const note = JSON.stringify({ text: 'a note' })
    for (const spelling of [...spellings('/admin'), ...spellings('/notes')]) {
      const asked = methods.flatMap((method): readonly [string, Sent][] => {
        const sent: Sent = { method, target: spelling, fields: [JSON_TYPE], body: note }
        return [
          [method, sent],
          [`${method} with a key`, adding(sent, WITH_KEY)],
        ]
      })
      await Promise.all(
        asked.map(async ([what, sent], index) => {
          const { status, text } = await send(index % 4 < 2 ? target.port : target.barePort, sent)
          expect([what, spelling, status, text.includes('"caller"') && !what.endsWith('key')]).toEqual([
            what,
            spelling,
            expect.any(Number),
            false,
          ])
          expect(status).toBeLessThan(500)
        }),
      )
    }
    // The key's owner may write notes, by POST and by a spelling that the router takes for the route.
    expect(target.done).toEqual({ ...NOTHING_DONE, create: target.done.create })
    expect(target.events.some(({ type }) => type === 'auth.accepted')).toBe(true)
  })

  test('over GraphQL: no spelling of the endpoint, document or operation runs a field without its rule', async () => {
    const paths = spellings('/graphql').flatMap((path): Sent[] => [
      get(`${path.replaceAll(/[?#].*$/g, '')}?query=%7Badmin%7D`),
      { ...documentOf('{ admin }'), target: path },
    ])
    const documents = [
      documentOf('{ me: admin }'),
      documentOf('{ ... on Query { admin } }'),
      documentOf('{ ...F } fragment F on Query { x: admin }'),
      documentOf('query ($no: Boolean!) { me admin @include(if: $no) }', { no: true }),
      documentOf('query ($no: Boolean!) { me admin @skip(if: $no) }', { no: false }),
      documentOf('query me { admin } query admin { me }'),
      ...named('query me { me } query admin { admin }', 'admin'),
      ...named('query me { me } query admin { admin }', ''),
      ...named('query me { admin } query admin { me }', 'me'),
      documentOf('{ me } { admin }'),
      documentOf('{ \ufeffadmin, }'),
    ]
    for (const sent of [...paths, ...documents]) {
      for (const credential of [[], [WITH_KEY]]) {
        const got = await target.send(sent, ...credential)
        expect([sent.target, got.status < 500]).toEqual([sent.target, true])
      }
    }
    expect(target.done.admin).toBe(0)
  })

  test.each(PROTOCOLS)(
    'over $name: fields that name another method or address are not read',
    async (protocol) => {
      const before = target.events.length
      const plain = async (wish: Wish, ...fields: NonNullable<Sent['fields']>) =>
        (await target.send(protocol.ask(wish), WITH_KEY, ...fields)).status
      const elsewhere = protocol.ask('admin').target
      const names =
        'X-Original-URL X-Rewrite-URL X-Forwarded-Path X-Forwarded-Uri X-Forwarded-Prefix X-Original-Path'
      for (const name of [
        ...names.split(' '),
        'X-Envoy-Original-Path',
        'Destination',
        'Location',
        'X-Override-URL',
      ]) {
        expect(await plain('open', [name, elsewhere])).toBe(200)
        expect(await plain('admin', [name, protocol.ask('open').target])).toBe(403)
      }
      for (const name of [
        'X-HTTP-Method-Override',
        'X-HTTP-Method',
        'X-Method-Override',
        'X-Original-Method',
      ]) {
        for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'HEAD', 'QUERY']) {
          expect(await plain('open', [name, method])).toBe(200)
          expect(await plain('admin', [name, method])).toBe(403)
        }
      }
      // A read that says it is a write, and the reverse.
      const { target: path } = protocol.ask('create')
      const mutation = `?query=${encodeURIComponent('mutation { create(text: "a note") }')}&_method=POST`
      const asRead = await target.send(get(path + mutation), WITH_KEY, ['X-HTTP-Method-Override', 'POST'])
      expect(asRead.status).toBe(405)
      expect(target.done).toMatchObject({ admin: 0, create: 0 })
      // Policies and service saw the same operations.
      const operations = new Set(target.events.slice(before).map(({ operation }) => operation))
      expect(operations.size).toBeLessThanOrEqual(4)
    },
  )
})

/** A document with an operation's name in the body, and another in the query. */
function named(query: string, operationName: string): readonly Sent[] {
  const body = JSON.stringify({ query, operationName })
  const sent: Sent = { method: 'POST', target: '/graphql', fields: [JSON_TYPE], body }
  const search = `?operationName=me&query=${encodeURIComponent(query)}`
  return [
    sent,
    { ...sent, target: `/graphql${search}` },
    get(`/graphql${search}&operationName=${operationName}`),
  ]
}
