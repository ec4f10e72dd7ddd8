import { beforeAll, expect, test } from '@jest/globals'
import { dpop } from '../../../src/auth/dpop/dpop.js'
import { DPOP_DEFAULTS, type DpopOptions } from '../../../src/auth/dpop/options.js'
import { memoryReplayStore } from '../../../src/stores/memory/replay.js'
import { setting, type Setting } from './proofs.js'

let known: Setting
beforeAll(async () => {
  known = await setting()
})

test.each<[Partial<DpopOptions>, string]>([
  [{ token: {} as never }, 'dpop: token'],
  [{ replay: {} as never }, 'dpop: replay'],
  [{ origin: [] }, 'dpop: origin'],
  [{ origin: 'api.example' }, 'dpop: origin'],
  [{ origin: 'https://api.example/path' }, 'dpop: origin'],
  [{ origin: 'https://user@api.example' }, 'dpop: origin'],
  [{ origin: [5 as never] }, 'dpop: origin'],
  [{ algorithms: [] }, 'dpop: algorithms'],
  [{ algorithms: ['HS256' as never] }, 'dpop: algorithms'],
  [{ algorithms: ['none' as never] }, 'dpop: algorithms'],
  [{ maxAge: 0 }, 'dpop: maxAge'],
  [{ clockTolerance: '6m' }, 'dpop: clockTolerance'],
  [{ deadline: 'soon' as never }, 'dpop: deadline'],
  [{ clock: {} as never }, 'dpop: clock'],
  [{ nonce: { secrets: [] } }, 'dpop: nonce.secrets'],
  [{ nonce: { secrets: ['short'] } }, 'dpop: nonce.secrets[0]'],
  [{ nonce: { secrets: ['x'.repeat(32), 5 as never] } }, 'dpop: nonce.secrets[1]'],
  [{ nonce: { secrets: ['x'.repeat(32)], lifetime: -1 } }, 'dpop: nonce.lifetime'],
  [{ nonce: { secret: 'x' } as never }, "unknown option 'secret'"],
  [{ window: 5 } as never, "unknown option 'window'"],
])('%j is a TypeError that names the option', (options, message) => {
  const { tokens, clock } = known
  const good = { token: tokens, replay: memoryReplayStore({ clock }), origin: 'https://api.example' }
  const make = () => dpop({ ...good, ...options })
  expect(make).toThrow(TypeError)
  expect(make).toThrow(message)
})

test('the defaults are those that the page names', () => {
  expect(DPOP_DEFAULTS).toEqual({
    algorithms: ['ES256', 'EdDSA'],
    maxAge: '1m',
    clockTolerance: '30s',
    deadline: '250ms',
    nonce: { lifetime: '1m' },
  })
})
