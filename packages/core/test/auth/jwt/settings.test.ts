import { beforeAll, describe, expect, test } from '@jest/globals'
import { createSigner, type Signer, verifier } from './tokens.js'

let signer: Signer
beforeAll(async () => {
  signer = await createSigner()
})

describe('options', () => {
  test('are checked at construction, by name', () => {
    const wrong: readonly [object, RegExp][] = [
      [{ issuer: '' }, /issuer/],
      [{ issuer: [] }, /issuer/],
      [{ issuer: undefined }, /issuer/],
      [{ audience: [''] }, /audience/],
      [{ secret: 'x'.repeat(32), jwks: { keys: [] } }, /exactly one/],
      [{ jwks: undefined }, /exactly one/],
      [{ jwks: 'http://idp.example/keys' }, /https/],
      [{ algorithms: ['HS256'] }, /algorithms/],
      [{ algorithms: [] }, /algorithms/],
      [{ algorithms: ['none'] }, /algorithms/],
      [{ types: [] }, /types/],
      [{ kid: 'ignored' }, /kid/],
      [{ audienceClaim: 'azp' }, /audienceClaim/],
      [{ scopes: { claim: 'scp' } }, /scopes\.form/],
      [{ scopes: { claim: 'scp', form: 'string', split: ',' } }, /split/],
      [{ clockTolerance: '301s' }, /clockTolerance/],
      [{ clockTolerance: -1 }, /clockTolerance/],
      [{ maxLifetime: 0 }, /maxLifetime/],
      [{ maxTokenBytes: 0 }, /maxTokenBytes/],
      [{ isRevoked: true }, /isRevoked/],
      [{ cache: { ttl: 0 } }, /cache\.ttl/],
      [{ cache: { size: 1 } }, /size/],
      [{ cache: 'none' }, /cache must be an object/],
      [{ profile: 'strict' }, /profile/],
      [{ iat: 'off' }, /iat/],
      [{ algorithms: null }, /algorithms/],
      [{ types: null }, /types/],
      [{ kid: null }, /kid/],
      [{ cache: null }, /cache/],
      [{ clock: null }, /clock/],
      [{ ignoreExpiration: true }, /ignoreExpiration/],
    ]
    for (const [options, message] of wrong) {
      expect(() => verifier([signer], options)).toThrow(message)
      expect(() => verifier([signer], options)).toThrow(TypeError)
    }
    expect(() => verifier([], { secret: 'x'.repeat(32), algorithms: ['ES256'] })).toThrow(/algorithms/)
  })
})
