import { describe, expect, test } from '@jest/globals'
import { apiKey } from '../../src/auth/api-key.js'
import { apiKeyDigest } from '../../src/auth/api-key-digest.js'
import { memoryApiKeys } from '../../src/auth/api-key-memory.js'
import type { ApiKeyRecord } from '../../src/auth/api-key-record.js'
import { runHeadgate } from '../../src/cli/run.js'
import { putCommands } from '../../src/stores/redis/api-key-layout.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

describe('headgate key', () => {
  test('prints a key once and a record that knows it, without the key', async () => {
    const clock = new ManualClock()
    const { code, out } = run(
      [
        'key',
        '--prefix',
        'hg_live',
        '--subject',
        'bot',
        '--tenant',
        'acme',
        '--scope',
        'items:read',
        '--scope',
      ].concat(['items:write', '--role', 'clerk', '--tier', 'gold', '--expires-in', '90d']),
      clock,
    )
    expect(code).toBe(0)
    const [key = '', ...rest] = out.split('\n')
    const record = JSON.parse(rest.join('\n')) as ApiKeyRecord
    expect(rest.join('\n')).not.toContain(key.slice(-38))
    const scheme = apiKey({ lookup: memoryApiKeys([record]), prefix: 'hg_live', clock })
    expect(await scheme.verify(key, literalExchange())).toMatchObject({
      verdict: 'accepted',
      identity: {
        subject: 'bot',
        tenant: 'acme',
        scopes: ['items:read', 'items:write'],
        roles: ['clerk'],
        tier: 'gold',
        issuedAt: clock.now(),
        expiresAt: clock.now() + 90 * 86_400_000,
      },
    })
  })

  test('prints the commands that put the record into Redis, without the key', () => {
    const { code, out } = run(['key', '--prefix', 'hg', '--subject', 'the bot', '--redis', 'shop:'])
    expect(code).toBe(0)
    const [key = '', ...commands] = out.trim().split('\n')
    const digest = apiKeyDigest(key)
    const keyId = key.split('_')[1] ?? ''
    const record = { digest, keyId, subject: 'the bot', issuedAt: new ManualClock().now() }
    expect(commands).toEqual(putCommands('shop:', record))
    expect(commands).toHaveLength(2)
    expect(commands.join()).not.toContain(key.slice(-38))
  })

  test('leaves out what was not said', () => {
    const { out } = run(['key', '--prefix', 'hg', '--subject', 'bot'])
    const record = JSON.parse(out.slice(out.indexOf('{'))) as object
    expect(Object.keys(record)).toEqual(['digest', 'keyId', 'subject', 'issuedAt'])
  })

  test('says how it is called when it was called wrongly, and makes no key', () => {
    const wrong: readonly [string[], string][] = [
      [[], 'key'],
      [['keys'], 'key'],
      [['key', 'more'], 'key'],
      [['key', '--subject', 'bot'], '--prefix'],
      [['key', '--prefix', 'hg'], '--subject'],
      [['key', '--prefix', 'hg-live', '--subject', 'bot'], 'prefix'],
      [['key', '--prefix', 'hg', '--subject', 'bot', '--expires-in', 'soon'], '--expires-in'],
      [['key', '--prefix', 'hg', '--subject', 'bot', '--scopes', 'a'], '--scopes'],
      [['key', '--prefix', 'hg', '--subject', 'bot', '--redis', 'a{b}'], '--redis'],
      [['key', '--prefix', 'hg', '--subject', 'bot', '--redis', ''], '--redis'],
      [['key', '--prefix', 'hg', '--subject', 'bot', '--redis', 'a"'], '--redis'],
      [['key', '--prefix', 'hg', '--subject', 'bot', '--tenant', ''], '--tenant'],
      [['key', '--prefix', 'hg', '--subject', 'bot', '--scope', 'a', '--scope', ''], '--scope'],
      [['key', '--prefix', 'hg', '--subject', 'bot', '--tier', ''], '--tier'],
    ]
    for (const [args, option] of wrong) {
      const { code, out, errors } = run(args)
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(errors.split('\n')[0]).toContain(option)
      expect(errors).toContain('headgate key --prefix')
    }
  })

  test('explains itself', () => {
    expect(run(['--help'])).toMatchObject({
      code: 0,
      errors: '',
      out: expect.stringContaining('--expires-in'),
    })
  })
})

function run(args: string[], clock = new ManualClock()): { code: number; out: string; errors: string } {
  let [out, errors] = ['', '']
  const code = runHeadgate(
    args,
    { write: (text) => (out += text) },
    { write: (text) => (errors += text) },
    clock,
  )
  return { code, out, errors }
}
