import { beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { authenticate } from '../../../src/auth/authenticate.js'
import { basic, basicBy, type BasicOptions, type BasicRecord } from '../../../src/auth/basic/basic.js'
import { type DeriveKey, deriveKey, hashPassword, isPasswordHash } from '../../../src/auth/basic/password.js'
import { parseUserPass } from '../../../src/auth/basic/user-pass.js'
import type { Verdict } from '../../../src/auth/scheme.js'
import { literalExchange } from '../../../src/testing/exchange.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'

let passwordHash: string
beforeAll(async () => {
  passwordHash = await hashPassword('sésame:öffne')
})

describe('a name and a password', () => {
  test('name the user, with what the record says', async () => {
    const { ask } = users({
      ann: { passwordHash, subject: 'u-1', tenant: 't', scopes: ['a'], roles: ['clerk'] },
    })
    expect(await ask('ann', 'sésame:öffne')).toMatchObject({
      verdict: 'accepted',
      identity: { scheme: 'basic', subject: 'u-1', tenant: 't', scopes: ['a'], roles: ['clerk'] },
    })
    const { ask: plain } = users({ ann: { passwordHash } })
    expect(await plain('ann', 'sésame:öffne')).toMatchObject({ identity: { subject: 'ann', scopes: [] } })
  })

  test('that are wrong or unknown get the same answer for the same work', async () => {
    const { ask, work } = users({ ann: { passwordHash } })
    const wrong = await ask('ann', 'wrong')
    const afterWrong = [...work]
    const unknown = await ask('bob', 'wrong')
    expect(wrong).toEqual({ verdict: 'rejected', reason: 'unknown-key' })
    expect(unknown).toEqual(wrong)
    expect(work.slice(afterWrong.length)).toEqual(afterWrong)
    expect(afterWrong).toHaveLength(1)
  })

  test('are hashed once while nothing changes, and again when the hash did', async () => {
    const records: Record<string, BasicRecord> = { ann: { passwordHash } }
    const { ask, work } = users(records)
    for (let request = 0; request < 5; request++)
      expect(resultOf(await ask('ann', 'sésame:öffne'))).toBe('accepted')
    expect(work).toHaveLength(1)
    records['ann'] = { passwordHash: await hashPassword('new') }
    expect(resultOf(await ask('ann', 'sésame:öffne'))).toBe('unknown-key')
    expect(work).toHaveLength(2)
  })

  test('of a disabled user are refused at once, also when they are remembered', async () => {
    const records: Record<string, BasicRecord> = { ann: { passwordHash } }
    const { ask } = users(records)
    await ask('ann', 'sésame:öffne')
    records['ann'] = { passwordHash, disabled: true }
    expect(resultOf(await ask('ann', 'sésame:öffne'))).toBe('revoked')
    delete records['ann']
    expect(resultOf(await ask('ann', 'sésame:öffne'))).toBe('unknown-key')
  })

  test('sent at the same time are hashed once; more than a few others wait their turn', async () => {
    const release: (() => void)[] = []
    const derive: DeriveKey = async (...work) => {
      await new Promise<void>((resolve) => release.push(resolve))
      return deriveKey(...work)
    }
    const { ask } = users({ ann: { passwordHash } }, {}, derive)
    const shared = [ask('ann', 'sésame:öffne'), ask('ann', 'sésame:öffne')]
    const other = ask('bob', 'x')
    expect(await ask('eve', 'y')).toEqual({ verdict: 'undecided', retryAfter: 1_000 })
    expect(release).toHaveLength(2)
    for (const go of release) go()
    expect((await Promise.all([...shared, other])).map(resultOf)).toEqual([
      'accepted',
      'accepted',
      'unknown-key',
    ])
  })
})

describe('a lookup that fails', () => {
  test('hangs: the deadline answers', async () => {
    const clock = new ManualClock()
    const scheme = basic({ lookup: () => new Promise(() => undefined), clock })
    const verdict = scheme.verify(encode('ann:x'), literalExchange())
    await clock.advance(2_000)
    expect(resultOf(await verdict)).toBe('undecided')
  })

  test('throws, or gives a record that is none: nobody is let in, and no password is called bad', async () => {
    const records: readonly unknown[] = [
      null,
      'ann',
      {},
      { passwordHash: 'plain' },
      { passwordHash, subject: '' },
      { passwordHash, scopes: 'admin' },
      { passwordHash, disabled: 'no' },
    ]
    const headers = { authorization: `Basic ${encode('ann:sésame:öffne')}` }
    const answer = { kind: 'answer', status: 200, headers: {}, body: null } as const
    for (const record of records) {
      const policy = authenticate([basic({ lookup: () => record as never })])
      const reply = await policy.handle(literalExchange({ headers }), () => Promise.resolve(answer))
      expect(reply.status).toBe(503)
    }
  })

  test('the challenge is that of RFC 7617', async () => {
    const policy = authenticate([basic({ lookup: () => undefined })], { realm: 'tools' })
    const reply = await policy.handle(literalExchange(), () => Promise.reject(new Error('passed')))
    expect(reply.headers['www-authenticate']).toBe('Basic realm="tools", charset="UTF-8"')
  })
})

describe('the form of the credential', () => {
  test('any pair survives the way', () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 30 })
      .filter((value) => value.isWellFormed() && !/\p{Cc}/u.test(value))
    fc.assert(
      fc.property(text, text, (name, password) => {
        const username = `u${name.replaceAll(':', '')}`
        expect(parseUserPass(encode(`${username}:${password}`))).toEqual({ username, password })
      }),
    )
  })

  test('has one spelling; everything else is malformed', () => {
    const junk = [
      '',
      ':',
      'YTpi ',
      'YTpi\n',
      'YTpi=',
      'YTp',
      'YTpj\u00e9',
      encode('nocolon'),
      encode(':password'),
    ]
    junk.push(
      encode('a:b\0'),
      encode('a\n:b'),
      Buffer.from([0x61, 0x3a, 0xff]).toString('base64'),
      'A'.repeat(1_028),
    )
    junk.push(encode('a:??>').replace('+', '-').replace('/', '_'))
    for (const credential of junk)
      expect([credential, parseUserPass(credential)]).toEqual([credential, undefined])
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (credential) => {
        const pair = parseUserPass(credential)
        if (pair !== undefined) expect(encode(`${pair.username}:${pair.password}`)).toBe(credential)
      }),
    )
  })
})

describe('what is kept of a password', () => {
  test('has a salt of its own and holds no password', async () => {
    const other = await hashPassword('sésame:öffne')
    expect(other).not.toBe(passwordHash)
    expect(other).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  })

  test('is refused when it would cost too much, or too little', () => {
    for (const cost of [
      'ln=63,r=8,p=1',
      'ln=20,r=8,p=1',
      'ln=15,r=99,p=99',
      'ln=0,r=8,p=1',
      'ln=15,r=0,p=1',
    ]) {
      expect(isPasswordHash(passwordHash.replace('ln=15,r=8,p=1', cost))).toBe(false)
    }
    for (const text of ['', 'sesame', passwordHash.slice(0, -30), undefined])
      expect(isPasswordHash(text)).toBe(false)
    expect(isPasswordHash(passwordHash)).toBe(true)
  })
})

describe('options', () => {
  test('that can’t be right name themselves', () => {
    const wrong: readonly [object, string][] = [
      [{}, 'lookup'],
      [{ deadline: 0 }, 'deadline'],
      [{ maxConcurrent: 0 }, 'maxConcurrent'],
      [{ maxRemembered: 1.5 }, 'maxRemembered'],
      [{ realm: 'x' }, 'realm'],
    ]
    for (const [options, option] of wrong) {
      const lookup = option === 'lookup' ? {} : { lookup: () => undefined }
      expect(() => basic({ ...lookup, ...options } as never)).toThrow(option)
    }
  })
})

interface Users {
  readonly ask: (username: string, password: string) => Promise<Verdict>
  /** The costs of each hash that was computed. */
  readonly work: unknown[]
}

function users(
  records: Record<string, BasicRecord>,
  options: Partial<BasicOptions> = {},
  derive: DeriveKey = deriveKey,
): Users {
  const work: unknown[] = []
  const counting: DeriveKey = (password, salt, length, cost) => {
    work.push([length, cost])
    return derive(password, salt, length, cost)
  }
  const lookup = (name: string): BasicRecord | undefined => records[name]
  const scheme = basicBy(counting, { lookup, clock: new ManualClock(), ...options })
  return {
    ask: async (username, password) => scheme.verify(encode(`${username}:${password}`), literalExchange()),
    work,
  }
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}

function resultOf(verdict: Verdict): string {
  return verdict.verdict === 'rejected' ? verdict.reason : verdict.verdict
}
