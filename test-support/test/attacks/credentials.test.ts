import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { signRaw } from '../../attacks/forge.js'
import { adding, PROTOCOLS } from '../../attacks/protocols.js'
import { API_KEY, OPAQUE, openTarget, type Target } from '../../attacks/target.js'
import { codeOf, send, type Sent } from '../../attacks/wire.js'
import { goodClaims } from '../../../packages/core/test/auth/jwt/tokens.js'

type Field = readonly [name: string, value: string]

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.close())

/** Good and bad ones, of every kind the chain reads, and of kinds that it does not. */
function credentials(): readonly Field[] {
  return [
    ['Authorization', `Bearer ${signRaw(target.signer, {})}`],
    ['authorization', `bearer ${OPAQUE}`],
    ['Authorization', 'Bearer junk'],
    ['Authorization', 'Basic YW5uOmFubg=='],
    ['Authorization', ''],
    ['X-API-Key', API_KEY],
    ['x-api-key', 'hg_nobody_0123456789abcdef'],
    ['X-Api-Key', ''],
  ]
}

/** A field with a genuine token that says something else. */
function tokenOf(claims: object, at = target): Field {
  const text = JSON.stringify({ ...goodClaims(), ...claims })
  return ['Authorization', `Bearer ${signRaw(at.signer, {}, text)}`]
}

describe.each(PROTOCOLS)('over $name', (protocol) => {
  describe('ambiguous or mixed credentials', () => {
    test('two of them, in any combination and order, are one refusal, behind any server', async () => {
      const before = { ...target.done }
      for (const first of credentials()) {
        for (const second of credentials()) {
          for (const wish of ['me', 'open'] as const) {
            const asked = adding(protocol.ask(wish), first, second)
            const guarded = await target.send(asked)
            expect([first, second, guarded.status]).toEqual([first, second, 400])
            const bare = await send(target.barePort, asked)
            expect([bare.status, codeOf(bare)]).toEqual([400, 'credentials-ambiguous'])
            expect(bare.fields['www-authenticate']).toContain('error="invalid_request"')
          }
        }
      }
      expect(target.done).toEqual(before)
    })

    test('one of them gives the identity it names, and no other', async () => {
      const expected = [200, 200, 401, 401, 401, 200, 401, 401]
      for (const [index, field] of credentials().entries()) {
        expect((await target.send(protocol.ask('me'), field)).status).toBe(expected[index])
      }
    })

    test('what stands in the query, a cookie or a form is no credential', async () => {
      const token = signRaw(target.signer, {})
      const mark = protocol.ask('me').target.includes('?') ? '&' : '?'
      for (const name of ['access_token', 'token', 'api_key', 'apikey', 'x-api-key', 'authorization']) {
        for (const value of [token, API_KEY, `Bearer ${token}`]) {
          const query = `${mark}${name}=${encodeURIComponent(value)}`
          const get = (wish: 'me' | 'open'): Sent => {
            const asked = protocol.ask(wish)
            return { ...asked, target: asked.target + query }
          }
          for (const cookie of [`${name}=${encodeURIComponent(value)}`, 'a=b']) {
            const demanded = await target.send(get('me'), ['Cookie', cookie])
            expect([demanded.status, codeOf(demanded)]).toEqual([401, 'credentials-missing'])
            expect((await target.send(get('open'), ['Cookie', cookie])).text).toContain('nobody')
          }
        }
      }
      const form = protocol.withBody(`access_token=${token}`, [
        ['Content-Type', 'application/x-www-form-urlencoded'],
      ])
      expect((await target.send(form)).status).toBe(401)
    })
  })

  describe('scope look-alikes; identity collision', () => {
    test('no look-alike of a scope grants it', async () => {
      const texts =
        'ADMIN Admin admin: admin* * adm administrator admin,notes:write "admin" scope=admin \u0430dmin'
      const alike: readonly unknown[] = [
        ...texts.split(' '),
        'a dmin',
        'admin\u0000',
        'admin\t',
        'admin\n',
        '\u00a0admin',
        '\uff41dmin',
        ['admin'],
        [['admin']],
        { admin: true },
        { 0: 'admin' },
        true,
        null,
        1,
      ]
      for (const scope of alike) {
        const got = await target.send(
          protocol.ask('admin'),
          tokenOf({ scope, roles: ['admin'], scp: 'admin' }),
        )
        expect([scope, got.status, codeOf(got)]).toEqual([scope, 403, 'scope-insufficient'])
        expect(got.fields['www-authenticate']).toContain('error="insufficient_scope", scope="admin"')
      }
      expect(target.done.admin).toBe(0)
      expect((await target.send(protocol.ask('admin'), tokenOf({ scope: 'notes admin' }))).status).toBe(200)
      target.done.admin = 0
    })

    test('callers whose names are cut otherwise, or who are known otherwise, never meet', async () => {
      const fresh = await openTarget()
      const named = (claims: object): Field => tokenOf({ scope: 'notes:write', ...claims }, fresh)
      const callers: readonly Field[] = [
        named({ sub: 'ann' }),
        named({ sub: 'Ann' }),
        named({ sub: 'ann\u0000' }),
        named({ sub: 'ann ' }),
        named({ sub: 'a', tenant: 'b:c' }),
        named({ sub: 'a:b', tenant: 'c' }),
        named({ sub: 'a:b:c' }),
        named({ sub: 'c:a', tenant: 'b' }),
        named({ sub: 'b:c:a' }),
        named({ sub: 'ann', tenant: 'undefined' }),
        named({ sub: 'ann', tenant: 'null' }),
        named({ sub: '\ud800' }),
        named({ sub: '\ud801' }),
        named({ sub: '\ufffd' }),
        named({ sub: '__proto__' }),
        named({ sub: '{"sub":"ann"}' }),
        ['Authorization', `Bearer ${OPAQUE}`],
        ['X-API-Key', API_KEY],
      ]
      const write = adding(protocol.ask('create'), ['Idempotency-Key', 'the-same'])
      for (const caller of callers) {
        const [read, written] = [
          await fresh.send(protocol.ask('me'), caller),
          await fresh.send(write, caller),
        ]
        expect([read.status, read.fields['cache-status']]).toEqual([200, expect.not.stringContaining('hit')])
        expect([written.status, written.fields['idempotent-replayed']]).toEqual([
          expect.any(Number),
          undefined,
        ])
        expect(written.status).toBeLessThan(300)
      }
      expect(fresh.done).toMatchObject({ me: callers.length, create: callers.length })
      for (const caller of callers) {
        expect((await fresh.send(protocol.ask('me'), caller)).fields['cache-status']).toContain('hit')
        expect((await fresh.send(write, caller)).fields['idempotent-replayed']).toBe('true')
      }
      await fresh.close()
    })
  })
})
