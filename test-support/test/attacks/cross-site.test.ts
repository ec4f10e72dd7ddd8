import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { PROTOCOLS } from '../../attacks/protocols.js'
import { NOTHING_DONE } from '../../attacks/service.js'
import { API_KEY, openTarget, type Target } from '../../attacks/target.js'
import { codeOf, type Sent } from '../../attacks/wire.js'

const WITH_KEY = ['X-API-Key', API_KEY] as const

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
beforeEach(() => void Object.assign(target.done, NOTHING_DONE))
afterAll(() => target.close())

describe('cross-site requests', () => {
  const simple = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/json',
    '',
  ]
  const more = [
    'application/json; charset=utf-16',
    'text/plain; application/json',
    'application/json-patch+json',
    ';',
  ]

  test.each(PROTOCOLS)('over $name: a form or a text is no request that writes', async (protocol) => {
    const body = protocol.ask('create').body ?? ''
    for (const type of [...simple, ...more]) {
      const fields: NonNullable<Sent['fields']> = type === '' ? [] : [['Content-Type', type]]
      const got = await target.send(protocol.withBody(body, fields), WITH_KEY, [
        'Origin',
        'https://evil.example',
      ])
      expect([type, got.status, codeOf(got)]).toEqual([type, 415, 'media-type-unsupported'])
    }
    const text = `query=${encodeURIComponent('mutation { create(text: "a note") }')}`
    const form = [['Content-Type', 'application/x-www-form-urlencoded']] as const
    expect((await target.send(protocol.withBody(text, form), WITH_KEY)).status).toBe(415)
    expect(target.done.create).toBe(0)
  })

  test.each(PROTOCOLS)('over $name: nothing that a link or an image asks for writes', async (protocol) => {
    const text = encodeURIComponent('mutation { create(text: "a note") }')
    for (const method of ['GET', 'HEAD']) {
      for (const search of [`?query=${text}`, `?text=a+note`, `?query=${text}&operationName=`]) {
        const got = await target.send({ method, target: `${protocol.path}${search}` }, WITH_KEY)
        expect([400, 405]).toContain(got.status)
      }
    }
    expect(target.done.create).toBe(0)
  })

  test.each(PROTOCOLS)('over $name: no foreign origin is let in, nor given credentials', async (protocol) => {
    for (const origin of ['https://evil.example', 'null', 'https://api.example.evil.example', '*']) {
      for (const method of ['OPTIONS', 'GET', 'POST']) {
        const asked = method === 'GET' ? protocol.ask('me') : { ...protocol.ask('create'), method }
        const preflight = [
          ['Access-Control-Request-Method', 'POST'],
          ['Access-Control-Request-Headers', 'x-api-key'],
        ] as const
        const got = await target.send(asked, WITH_KEY, ['Origin', origin], ...preflight)
        expect(Object.keys(got.fields).filter((name) => name.startsWith('access-control'))).toEqual([])
        expect(JSON.stringify(got.fields)).not.toContain('evil')
      }
    }
    expect(target.done.create).toBe(4)
  })
})
