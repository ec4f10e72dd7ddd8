import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createApiKey, readApiKey } from '../../src/auth/api-key-form.js'
import { apiKeyDigest } from '../../src/auth/api-key-digest.js'

describe('a new key', () => {
  test('has a form that scanners find, and is read back by its prefix', () => {
    const part = fc.stringMatching(/^[A-Za-z0-9]{1,6}$/)
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), (parts) => {
        const prefix = parts.join('_')
        const { key, keyId, digest } = createApiKey(prefix)
        expect(key).toMatch(new RegExp(`^${prefix}_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$`))
        expect(readApiKey(key, prefix)).toEqual({ id: keyId })
        expect(readApiKey(key, `x${prefix}`)).toBe('foreign')
        expect(digest).toBe(apiKeyDigest(key))
      }),
    )
  })

  test('ends with the CRC-32 of what stands before it, in base 62', () => {
    const body = 'hg_000000000000_00000000000000000000000000000000'
    const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
    let crc = 0xffffffff
    for (const byte of Buffer.from(body)) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    }
    let rest = (crc ^ 0xffffffff) >>> 0
    let checksum = ''
    for (let place = 0; place < 6; place++) {
      checksum = `${digits[rest % 62]}${checksum}`
      rest = Math.floor(rest / 62)
    }
    expect(readApiKey(body + checksum, 'hg')).toEqual({ id: '000000000000' })
    expect(readApiKey(`${body}000000`, 'hg')).toBe('broken')
  })

  test('is never made twice', () => {
    const keys = Array.from({ length: 500 }, () => createApiKey('hg'))
    expect(new Set(keys.map(({ key }) => key)).size).toBe(500)
    expect(new Set(keys.map(({ keyId }) => keyId)).size).toBe(500)
  })

  test('any string is read', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(readApiKey(`hg_${text}`, 'hg')).toBe('broken')
        expect(['foreign', 'broken']).toContain(readApiKey(text, 'hg'))
      }),
    )
  })

  test('needs a prefix that can stand in one', () => {
    for (const prefix of ['', '_', 'a_', '_a', 'a__b', 'a-b', 'a b', 'é', 'x'.repeat(33)]) {
      expect(() => createApiKey(prefix)).toThrow(/createApiKey: prefix/)
    }
  })
})
