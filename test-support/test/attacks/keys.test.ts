import type { Identity } from '@headgate/core'
import { describe, expect, test } from '@jest/globals'
import { signRaw } from '../../attacks/forge.js'
import { adding, PROTOCOLS } from '../../attacks/protocols.js'
import type { Target } from '../../attacks/target.js'
import { useTargets } from '../../attacks/use-targets.js'
import { codeOf } from '../../attacks/wire.js'
import { createSigner, goodClaims } from '../../../packages/core/test/auth/jwt/tokens.js'

const open = useTargets()

/** A token that lives long and was signed by a key with this id, or says so. */
function token(target: Target, kid?: string, jti = 'one'): readonly [string, string] {
  const claims = JSON.stringify({ ...goodClaims(), exp: 9_000_000_000, jti, scope: 'notes:write' })
  return ['Authorization', `Bearer ${signRaw(target.signer, kid === undefined ? {} : { kid }, claims)}`]
}

describe.each(PROTOCOLS)(
  'over $name, removed keys, revoked credentials; denial through the key source',
  (protocol) => {
    test('a removed key ends with the next look at the key set, for remembered tokens too', async () => {
      const target = await open()
      const good = token(target)
      expect((await target.send(protocol.ask('me'), good)).status).toBe(200)
      const next = await createSigner('ES256', 'next')
      target.published = [next.jwk]
      expect((await target.send(protocol.ask('me'), token(target, 'unknown'))).status).toBe(401)
      const got = await target.send(protocol.ask('me'), good)
      expect([got.status, codeOf(got), target.done.me]).toEqual([401, 'credentials-invalid', 1])
      expect(target.keys.requests).toBe(2)
    })

    test('a revoked credential ends at once, and its answers with it', async () => {
      const revoked = new Set<string | undefined>()
      const target = await open({ isRevoked: ({ credentialId }: Identity) => revoked.has(credentialId) })
      const [one, two] = [token(target, undefined, 'one'), token(target, undefined, 'two')]
      for (const each of [one, two]) expect((await target.send(protocol.ask('me'), each)).status).toBe(200)
      revoked.add('one')
      const got = await target.send(protocol.ask('me'), one)
      expect([got.status, got.fields['www-authenticate']]).toEqual([
        401,
        expect.stringContaining('token revoked'),
      ])
      expect((await target.send(protocol.ask('me'), two)).status).toBe(200)
    })

    test('five hundred unknown key ids cost one fetch, and known keys nothing', async () => {
      const target = await open()
      const good = token(target)
      const flood = Array.from({ length: 500 }, (_, n) =>
        adding(protocol.ask('create'), token(target, `junk-${n}`)),
      )
      const answers = await target.pipeline(flood.slice(0, 250))
      await Promise.all(flood.slice(250).map((each) => target.send(each)))
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 401))
      expect(target.keys.requests).toBe(2)
      expect((await target.send(protocol.ask('me'), good)).status).toBe(200)
    })

    test('while the endpoint hangs, a flood of unknown key ids keeps no known key waiting', async () => {
      const target = await open()
      expect((await target.send(protocol.ask('me'), token(target))).status).toBe(200)
      await target.keys.become('hung')
      const flood = Promise.all(
        Array.from({ length: 100 }, (_, n) => target.send(protocol.ask('me'), token(target, `junk-${n}`))),
      )
      await target.keys.asked(2)
      // No time passes: what waits for the endpoint waits for ever.
      expect((await target.send(protocol.ask('create'), token(target))).status).toBeLessThan(300)
      await target.clock.advance(2_000)
      const statuses = (await flood).map(({ status }) => status)
      expect(statuses).toEqual(statuses.map(() => 503))
      expect(target.keys.requests).toBe(2)
    })
  },
)
