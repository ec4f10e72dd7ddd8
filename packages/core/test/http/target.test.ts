import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import Koa from 'koa'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isTarget } from '../../src/http/target.js'

describe('a request target', () => {
  test.each(['/', '/items/1?a=%', '/%41%ff', '//items', 'http://x', 'HTTPS://x:1/a', '/?', '/{a}|b'])(
    '%s is one',
    (target) => {
      expect(isTarget('GET', target)).toBe(true)
    },
  )

  test.each([
    '',
    '*',
    'items',
    '?a',
    'http://[',
    'http://',
    'ftp://x/',
    'x:443',
    '/%',
    '/%4',
    '/%4g',
    '/a%00',
    '/#a',
    '/a b',
    '/é',
    undefined,
  ])('%s is none', (target) => {
    expect(isTarget('GET', target)).toBe(false)
  })

  test('an asterisk asks for the options of the server', () => {
    expect(isTarget('OPTIONS', '*')).toBe(true)
  })

  test('one that is accepted can be read by Koa', () => {
    const app = new Koa()
    const target = fc.oneof(
      fc.string({ unit: 'binary-ascii' }),
      fc.webUrl(),
      fc.webPath(),
      fc.constantFrom(...ODD),
    )
    fc.assert(
      fc.property(target, (url) => {
        if (!isTarget('GET', url)) return
        const { path, query } = app.createContext(
          { url, headers: {} } as IncomingMessage,
          {} as ServerResponse,
        )
        expect([typeof path, typeof query]).toEqual(['string', 'object'])
      }),
    )
  })
})

const ODD = ['http://[', 'http://a b', '//[', '/\\', 'http://%', '/%', 'http://x:99999/']
