import { expect, test } from '@jest/globals'
import { idempotency } from '../../src/idempotency/idempotency.js'
import { memoryIdempotencyStore } from '../../src/stores/memory/idempotency.js'

test.each([
  [{}, 'store'],
  [{ store: {} }, 'store'],
  [{ retention: '1 day' }, 'retention'],
  [{ retention: 0 }, 'retention'],
  [{ lease: -1 }, 'lease'],
  [{ storeTimeout: Number.NaN }, 'storeTimeout'],
  [{ lease: '3s', storeTimeout: '1s' }, 'storeTimeout'],
  [{ maxBodyBytes: -1 }, 'maxBodyBytes'],
  [{ maxBodyBytes: '1mb' }, 'maxBodyBytes'],
  [{ anonymous: 'yes' }, 'anonymous'],
  [{ share: 'everybody' }, 'share'],
  [{ keepHeaders: 'etag' }, 'keepHeaders'],
  [{ keepHeaders: ['no such name'] }, 'keepHeaders'],
  [{ keepHeaders: ['Set-Cookie'] }, 'set-cookie'],
  [{ keepHeaders: ['X-RateLimit-Limit'] }, 'x-ratelimit-limit'],
  [{ keepHeaders: ['Access-Control-Allow-Origin'] }, 'access-control-allow-origin'],
  [{ vary: [1] }, 'vary'],
  [{ clock: null }, 'clock'],
  [{ newId: 'uuid' }, 'newId'],
  [{ barrier: 'deferred' }, 'barrier'],
  [{ ttl: '1h' }, 'ttl'],
])('the option in %j is refused by name', (options, name) => {
  const store = memoryIdempotencyStore()
  expect(() =>
    idempotency({ store, ...options, ...(name === 'store' && { store: undefined }) } as never),
  ).toThrow(new RegExp(`idempotency: .*${name}`))
})
