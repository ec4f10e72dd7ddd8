import { describe, expect, test } from '@jest/globals'
import { operation, type OperationDeclaration } from '@headgate/rest-adapter'
import { z } from 'zod'

/** As it comes from JavaScript: unchecked. */
const declare = (declaration: unknown) => () => operation(declaration as OperationDeclaration)

describe('operation()', () => {
  test.each<[string, unknown]>([
    ['scope', { scope: ['a'] }],
    ['options', null],
    ['name', { name: '' }],
    ['access', { access: 'public' }],
    ['scopes', { scopes: [] }],
    ['scopes', { scopes: [[]] }],
    ['scopes', { scopes: [['a'], []] }],
    ['scopes', { scopes: 'items:read' }],
    ['scopes', { scopes: ['items:read items:write'] }],
    ['scopes', { scopes: ['a', ['b']] }],
    ['scopes', { scopes: undefined }],
    ['scopes', { access: 'anonymous', scopes: ['a'] }],
    ['scopes', { scopes: {} }],
    ['scopes', { scopes: { all: [] } }],
    ['scopes', { scopes: { all: ['a'], any: undefined } }],
    ['some', { scopes: { some: ['a'] } }],
    ['roles', { roles: [] }],
    ['roles', { roles: ['a\nb'] }],
    ['roles', { access: 'anonymous', roles: ['a'] }],
    ['cost', { cost: 0 }],
    ['cost', { cost: '2' }],
    ['quotas', { quotas: [] }],
    ['quotas', { quotas: 'login' }],
    ['effect', { effect: 'none' }],
    ['idempotency', { idempotency: true }],
    ['idempotency', { effect: 'read', idempotency: 'required' }],
    ['cache', { cache: { tll: 1 } }],
    ['cache.ttl', { cache: { ttl: -1 } }],
    ['cache.public', { cache: { public: 'yes' } }],
    ['cache.vary', { cache: { vary: 'accept' } }],
    ['tags', { tags: ['Item[]'] }],
    ['invalidates', { invalidates: 'Item[]' }],
    ['body', { body: { type: 'object' } }],
    ['params', { params: null }],
    ['query', { query: () => true }],
    ['bodyLimit', { bodyLimit: '1mb' }],
    ['mediaTypes', { body: z.string(), mediaTypes: ['text/plain'] }],
    ['mediaTypes', { body: z.string(), mediaTypes: [] }],
    ['mediaTypes', { mediaTypes: ['application/json'] }],
  ])('names %s when it can not be right: %j', (option, declaration) => {
    expect(declare(declaration)).toThrow(TypeError)
    expect(declare(declaration)).toThrow(option)
  })

  test('takes every option in its full form', () => {
    const every: OperationDeclaration = {
      name: 'createItem',
      access: 'required',
      scopes: [['admin'], ['items:read', 'items:write']],
      roles: { all: ['clerk'], any: ['store 1', 'store 2'] },
      cost: 3,
      effect: 'write',
      idempotency: 'required',
      cache: { ttl: '1m', public: true, vary: ['accept-language'] },
      tags: () => [],
      invalidates: () => ['Item[]'],
      body: z.object({}),
      params: z.object({}).loose() as never,
      query: z.object({}),
      bodyLimit: 10,
      mediaTypes: ['application/json', 'application/vnd.api+json'],
    }
    expect(declare(every)).not.toThrow()
  })

  test('does not change with the object it was made from', () => {
    const declaration = { scopes: ['a'], cost: 2 }
    operation(declaration)
    expect(declaration).toEqual({ scopes: ['a'], cost: 2 })
  })
})
