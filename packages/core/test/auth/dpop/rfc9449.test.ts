import { expect, test } from '@jest/globals'
import { dpop } from '../../../src/auth/dpop/dpop.js'
import { introspection } from '../../../src/auth/introspection/introspection.js'
import { memoryReplayStore } from '../../../src/stores/memory/replay.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { ENDPOINT } from '../introspection/server.js'
import { present, said } from './proofs.js'

/** The request for a protected resource of RFC 9449 7.1, at the time of its proof. */
const TOKEN = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'
const PROOF = [
  'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik',
  'VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR',
  'nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE',
  'QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIj',
  'oiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0Z',
  'WRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNF',
  'c05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71E',
  'OptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA',
].join('')
const NOW = 1_562_262_618

/** What introspection says of such a token (RFC 9449 6.2). */
const ANSWER = {
  active: true,
  sub: 'someone@example.com',
  iss: 'https://server.example.com',
  nbf: 1_562_262_611,
  exp: 1_562_266_216,
  cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' },
}

test('the example of RFC 9449 is taken, once', async () => {
  const clock = new ManualClock(NOW * 1_000)
  const token = introspection({
    endpoint: ENDPOINT,
    client: { id: 'gate', secret: 'sesame' },
    audience: false,
    clock,
    fetch: async () => Response.json(ANSWER),
  })
  const scheme = dpop({
    token,
    replay: memoryReplayStore({ clock }),
    origin: 'https://resource.example.org',
    clock,
  })
  const init = { path: '/protectedresource' }
  expect(said(await present(scheme, TOKEN, PROOF, { ...init, method: 'POST' }))).toBe(
    'binding-failed DPoP.htm',
  )
  const verdict = await present(scheme, TOKEN, PROOF, init)
  expect(verdict).toMatchObject({ verdict: 'accepted', identity: { subject: 'someone@example.com' } })
  expect(said(await present(scheme, TOKEN, PROOF, init))).toBe('replayed DPoP.jti')
})
