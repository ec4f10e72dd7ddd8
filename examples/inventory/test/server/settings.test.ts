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
  test('is not needed in development', () => {
    expect(readTokenSource({})).toBeUndefined()
  })

  test('comes from the environment in production', () => {
    expect(readTokenSource(production)).toEqual({
      issuer: 'https://issuer.example/',
      audience: 'inventory',
      jwks: 'https://issuer.example/jwks.json',
    })
  })

  test.each(['ISSUER', 'AUDIENCE', 'JWKS_URL'])('is refused in production without %s', (name) => {
    expect(() => readTokenSource({ ...production, [name]: undefined })).toThrow(name)
    expect(() => readTokenSource({ ...production, [name]: '' })).toThrow(name)
  })
})
