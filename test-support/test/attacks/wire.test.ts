import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { connect } from 'node:net'
import { once } from 'node:events'
import { deflateSync, gzipSync } from 'node:zlib'
import { adding, documentOf, PROTOCOLS } from '../../attacks/protocols.js'
import { NOTHING_DONE } from '../../attacks/service.js'
import { API_KEY, openTarget, type Target } from '../../attacks/target.js'
import { answersIn, bytesOf, codeOf, exchange, type Sent } from '../../attacks/wire.js'

const WITH_KEY = ['X-API-Key', API_KEY] as const
const JSON_TYPE = ['Content-Type', 'application/json'] as const
const CHUNKED = ['Transfer-Encoding', 'chunked'] as const

let target: Target
let admin: readonly ['Authorization', string]
beforeAll(async () => {
  // A second, where a service has ten: a slow client is cut while the test looks on.
  target = await openTarget()
  admin = await target.bearer('root', 'admin notes:write')
})
beforeEach(() => void Object.assign(target.done, NOTHING_DONE))
afterAll(() => target.close())

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const nothingRan = (): void => expect(target.done).toEqual(NOTHING_DONE)

describe.each(PROTOCOLS)('over $name, framing', (protocol) => {
  const body = String(protocol.ask('create').body)
  const head = (...fields: NonNullable<Sent['fields']>): string =>
    bytesOf({ method: 'POST', target: protocol.path, fields: [JSON_TYPE, ...fields] }, false).toString(
      'latin1',
    )

  /** What a second reader of the same bytes would take for a request of its own. */
  const smuggled = (): string => bytesOf(adding(protocol.ask('admin'), admin)).toString('latin1')

  const ambiguous: Readonly<Record<string, (hidden: string) => string>> = {
    'a length and chunks': (hidden) =>
      `${head(WITH_KEY, ['Content-Length', '4'], CHUNKED)}0\r\n\r\n${hidden}`,
    'chunks and a length': (hidden) =>
      `${head(WITH_KEY, CHUNKED, ['Content-Length', String(hidden.length + 5)])}0\r\n\r\n${hidden}`,
    'two lengths': (hidden) =>
      `${head(WITH_KEY, ['Content-Length', String(body.length)], ['Content-Length', '0'])}${body}${hidden}`,
    'two equal lengths in a list': (hidden) =>
      `${head(WITH_KEY, ['Content-Length', `${body.length}, ${body.length}`])}${body}${hidden}`,
    'a signed length': (hidden) => `${head(WITH_KEY, ['Content-Length', `+${body.length}`])}${body}${hidden}`,
    'a length in hex': (hidden) => `${head(WITH_KEY, ['Content-Length', '0x0'])}${hidden}`,
    'a length that overflows': (hidden) =>
      `${head(WITH_KEY, ['Content-Length', '18446744073709551616'])}${hidden}`,
    'a coding that is not the last': (hidden) =>
      `${head(WITH_KEY, ['Transfer-Encoding', 'chunked, identity'])}0\r\n\r\n${hidden}`,
    'a coding with a vertical tab': (hidden) =>
      `${head(WITH_KEY, ['Transfer-Encoding', '\u000bchunked'], ['Content-Length', '0'])}${hidden}`,
    'a coding of another name': (hidden) =>
      `${head(WITH_KEY, ['Transfer-Encoding', 'xchunked'], ['Content-Length', '0'])}${hidden}`,
    'chunks twice': (hidden) =>
      `${head(WITH_KEY, CHUNKED, ['Transfer-Encoding', 'identity'])}0\r\n\r\n${hidden}`,
    'a space before the colon': (hidden) =>
      `${head(WITH_KEY).slice(0, -2)}Content-Length : 0\r\n\r\n${hidden}`,
    'a folded line': (hidden) => `${head(WITH_KEY).slice(0, -2)}X: y\r\n Content-Length: 0\r\n\r\n${hidden}`,
    'a bare line feed': (hidden) =>
      `${head(WITH_KEY).slice(0, -2)}X: y\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    'a bare carriage return': (hidden) =>
      `${head(WITH_KEY).slice(0, -2)}X: y\rContent-Length: 5\r\n\r\n${hidden}`,
    'a chunk size that overflows': (hidden) => `${head(WITH_KEY, CHUNKED)}10000000000000000\r\n${hidden}`,
    'a chunk size that is no number': (hidden) => `${head(WITH_KEY, CHUNKED)}0x0\r\n\r\n${hidden}`,
    'a chunk longer than it says': (hidden) => `${head(WITH_KEY, CHUNKED)}1\r\n${body}\r\n0\r\n\r\n${hidden}`,
    'a bare line feed in a chunk size': (hidden) => `${head(WITH_KEY, CHUNKED)}0\n\n${hidden}`,
  }

  test.each(Object.entries(ambiguous))(
    '%s: refused, and what follows is no request',
    async (_what, bytes) => {
      for (const port of [target.port, target.barePort]) {
        const answers = answersIn(await exchange(port, Buffer.from(bytes(smuggled()), 'latin1')))
        expect(answers.length).toBeLessThanOrEqual(1)
        for (const { status } of answers) expect(Math.floor(status / 100)).toBe(4)
        expect(target.done).toEqual(NOTHING_DONE)
      }
    },
  )

  test('what the smuggler wants runs when it is sent as a request: the tests above would see it', async () => {
    const whole = `${head(WITH_KEY, CHUNKED)}${chunk(body)}0\r\n\r\n${smuggled()}`
    const answers = answersIn(await exchange(target.port, Buffer.from(whole, 'latin1')))
    expect(answers.map(({ status }) => status < 300)).toEqual([true, true])
    expect(target.done).toMatchObject({ create: 1, admin: 1 })
  })

  test('fields behind the last chunk are not those of the request', async () => {
    const trailer = `0\r\nAuthorization: ${admin[1]}\r\nX-API-Key: ${API_KEY}\r\n\r\n`
    const bytes = `${head(CHUNKED, ['Connection', 'close'], ['Trailer', 'Authorization'])}${chunk(body)}${trailer}`
    const [answer] = answersIn(await exchange(target.port, Buffer.from(bytes, 'latin1')))
    expect(answer?.status).toBe(401)
    expect(target.done).toEqual(NOTHING_DONE)
  })
})

describe.each(PROTOCOLS)(
  'over $name, oversized, compressed, deep, costly input; slow clients',
  (protocol) => {
    test('compressed content is not opened, whatever it says it is', async () => {
      const bomb = Buffer.alloc(8_388_608, ' ')
      const contents = [gzipSync(bomb), gzipSync(gzipSync(bomb)), deflateSync(bomb), Buffer.from('junk')]
      for (const coding of [
        'gzip',
        'x-gzip',
        'deflate',
        'br',
        'zstd',
        'gzip, gzip',
        'GZIP',
        'identity, gzip',
        'evil',
      ]) {
        for (const content of contents) {
          const got = await target.send(protocol.withBody(content), WITH_KEY, ['Content-Encoding', coding])
          expect([coding, got.status, codeOf(got)]).toEqual([coding, 415, 'media-type-unsupported'])
        }
      }
      nothingRan()
    })

    test('too many bytes are counted as they come', async () => {
      const large = Buffer.alloc(2_097_152, ' ')
      const announced = await target.send(protocol.withBody(large), WITH_KEY)
      expect([announced.status, announced.fields['connection']]).toEqual([413, 'close'])
      const chunks = Buffer.concat([
        Buffer.from(`${large.length.toString(16)}\r\n`),
        large,
        Buffer.from('\r\n0\r\n\r\n'),
      ])
      const counted = await target.send(protocol.withBody(chunks), WITH_KEY, CHUNKED)
      expect([413, 0]).toContain(counted.status) // cut while it is still sent
      nothingRan()
    })

    test('deep and odd documents are refused', async () => {
      const deep = ['[', '{"a":', '{"text":[', '{"query":{"a":'].map((open) =>
        open.repeat(200_000 / open.length),
      )
      const odd = [
        '{"text":1e999}',
        '{"text":"\\ud800"',
        '{"text":"a","text":{}}',
        '"',
        '\u0000',
        '[1e400]',
        '{"query":1e5}',
      ]
      const bomb = `{"variables":${'{"a":['.repeat(5_000)}${']}'.repeat(5_000)},"query":"{ me }","text":[]}`
      // What is deep where nobody looks is deep all the same.
      const aside = `{"text":"a note","aside":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
      for (const content of [...deep, ...odd, bomb, aside]) {
        const got = await target.send(protocol.withBody(content), WITH_KEY)
        expect([content.slice(0, 20), [400, 422].includes(got.status)]).toEqual([content.slice(0, 20), true])
      }
      nothingRan()
    })

    test('a field that is dear to read is read in one pass', async () => {
      const long = 15_000
      const names =
        'Accept Cache-Control Idempotency-Key If-None-Match Cookie Content-Type Forwarded Authorization X-API-Key'
      const units = [' ', '"', ',', ';', '=', 'a,', '"a', '\\"', 'a;q=0.', '(', 'W/"', 'Bearer ', '.', 'a=a,']
      for (const name of [
        ...names.split(' '),
        'X-Forwarded-For',
        'If-Modified-Since',
        'Accept-Encoding',
        'Vary',
      ]) {
        await Promise.all(
          units.map(async (unit) => {
            const value = unit.repeat(Math.floor(long / unit.length))
            const { status } = await target.send({
              ...protocol.ask('create'),
              fields: [[name, `a${value}a`]],
            })
            expect([name, unit, status >= 400 && status < 500]).toEqual([name, unit, true])
          }),
        )
      }
      nothingRan()
    })

    test('a client that stalls in its head or its body is cut', async () => {
      // A second, where a service has ten and thirty: the test need not wait so long.
      const limits = { headersTimeout: 1_000, requestTimeout: 1_000 }
      const hasty = await openTarget({ limits })
      const whole = bytesOf(adding(protocol.ask('create'), WITH_KEY)).toString('latin1')
      const parts = [whole.slice(0, 20), whole.slice(0, whole.indexOf('\r\n\r\n')), whole.slice(0, -5)]
      const answers = await Promise.all(
        parts.map((part) => exchange(hasty.port, Buffer.from(part, 'latin1'))),
      )
      for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 /)
      expect(hasty.done).toEqual(NOTHING_DONE)
      await hasty.close()
    })

    test('a body that is not read yet is not invited before the caller is known', async () => {
      const socket = connect(target.port, '127.0.0.1')
      let seen = ''
      socket.on('data', (data: Buffer) => (seen += data.toString('latin1')))
      const { method, target: path } = protocol.ask('create')
      const fields = [JSON_TYPE, ['Content-Length', '5000000000'], ['Expect', '100-continue']] as const
      socket.write(bytesOf({ method, target: path, fields }, false))
      await once(socket, 'close')
      expect(seen).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect(seen).not.toContain('100 Continue')
      nothingRan()
    })
  },
)

describe.each(PROTOCOLS)('over $name, prototype pollution', (protocol) => {
  test('no member, parameter, field or claim reaches a prototype', async () => {
    const before = Reflect.ownKeys(Object.prototype).length
    const evil = [
      '"__proto__":{"polluted":1}',
      '"constructor":{"prototype":{"polluted":1}}',
      '"prototype":{"polluted":1}',
    ]
    for (const member of evil) {
      const bodies = [
        `{${member},"text":"a note"}`,
        `{"text":"a note",${member}}`,
        `{"query":"mutation ($v: String!) { create(text: $v) }","variables":{"v":"a note",${member}},${member}}`,
        `{"query":"{ me }","extensions":{${member}}}`,
        `[{${member}}]`,
      ]
      for (const body of bodies) {
        const { status } = await target.send(protocol.withBody(body), WITH_KEY)
        expect([body, status < 500]).toEqual([body, true])
      }
    }
    const search = '__proto__[polluted]=1&__proto__.polluted=1&constructor[prototype][polluted]=1&__proto__=1'
    const { target: path } = protocol.ask('me')
    const asked: Sent = { method: 'GET', target: `${path}${path.includes('?') ? '&' : '?'}${search}` }
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
    for (const name of names) {
      const got = await target.send(
        asked,
        WITH_KEY,
        [name, 'polluted'],
        ['Idempotency-Key', name],
        ['Vary', name],
      )
      expect(got.status).toBe(200)
      expect((await target.send({ method: 'GET', target: `/${name}` }, WITH_KEY)).status).toBe(404)
      const field = await target.send(documentOf(`{ ${name} }`), WITH_KEY)
      expect([field.status, codeOf(field)]).toEqual([400, 'graphql-validation-failed'])
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(Reflect.ownKeys(Object.prototype)).toHaveLength(before)
  })
})
