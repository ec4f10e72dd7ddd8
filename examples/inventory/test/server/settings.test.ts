import { describe, expect, test } from '@jest/globals'
import { readAddress, readTokenSource } from '../../src/index.js'

const production = {
  NODE_ENV: 'production',
  ISSUER: 'https://issuer.example/',
  AUDIENCE: 'inventory',
  JWKS_URL: 'https://issuer.example/jwks.json',
}

describe('the address', () => {
  test('is this machine only unless the environment says otherwise', () => {
    expect(readAddress({})).toEqual({ port: 3000, host: '127.0.0.1' })
    expect(readAddress({ PORT: '8080', HOST: '0.0.0.0' })).toEqual({ port: 8080, host: '0.0.0.0' })
  })

  test.each(['', 'http', '-1', '65536', '3000.5', '0x10', ' 1'])('PORT=%j is refused', (PORT) => {
    expect(() => readAddress({ PORT })).toThrow('PORT')
  })
})

describe('the token source', () => {
  const tokens = {
    issuer: 'https://issuer.example/',
    audience: 'inventory',
    jwks: 'https://issuer.example/jwks.json',
  }

  test.each(['127.0.0.1', '::1', 'localhost'])('is not needed in development on %s', (HOST) => {
    expect(readTokenSource({ HOST })).toBeUndefined()
    expect(readTokenSource({})).toBeUndefined()
  })

  test('comes from the environment wherever it is set', () => {
    expect(readTokenSource(production)).toEqual(tokens)
    expect(readTokenSource({ ...production, NODE_ENV: undefined })).toEqual(tokens)
  })

  test.each(['ISSUER', 'AUDIENCE', 'JWKS_URL'])('is refused without %s', (name) => {
    expect(() => readTokenSource({ ...production, [name]: undefined })).toThrow(name)
    expect(() => readTokenSource({ ...production, [name]: '' })).toThrow(name)
    expect(() => readTokenSource({ ...production, NODE_ENV: undefined, [name]: undefined })).toThrow(name)
  })

  test('is needed where other machines can connect, whatever NODE_ENV says', () => {
    for (const HOST of ['0.0.0.0', '::', '192.0.2.1']) {
      expect(() => readTokenSource({ HOST })).toThrow('ISSUER, AUDIENCE, JWKS_URL must be set')
    }
  })
})
