import { apiKeyDigest } from '@headgate/core'
import { describe, expect, test } from '@jest/globals'
import { readKeySource } from '../../src/index.js'

describe('the one API key', () => {
  test('is made in development, and known by its digest alone', async () => {
    const { apiKeys, key = '' } = readKeySource({}, ['items:read'])
    const record = await apiKeys({ digest: apiKeyDigest(key), id: undefined })
    expect(record).toMatchObject({ subject: 'first', scopes: ['items:read'] })
    expect(JSON.stringify(record)).not.toContain(key)
    expect(readKeySource({}, []).key).not.toBe(key)
  })

  test('is the one whose digest is in the environment, and is not printed then', async () => {
    const digest = apiKeyDigest('a-key-of-production')
    const { apiKeys, key } = readKeySource({ NODE_ENV: 'production', API_KEY_DIGEST: digest }, [])
    expect(key).toBeUndefined()
    expect(await apiKeys({ digest, id: undefined })).toMatchObject({ subject: 'first' })
  })

  test('must be there in production, and a digest', () => {
    expect(() => readKeySource({ NODE_ENV: 'production' }, [])).toThrow('API_KEY_DIGEST')
    expect(() => readKeySource({ API_KEY_DIGEST: 'a-key-of-production' }, [])).toThrow('digest')
  })
})
