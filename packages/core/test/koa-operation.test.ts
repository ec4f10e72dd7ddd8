import { afterEach, describe, expect, test } from '@jest/globals'
import { closeApps, startApp as start } from '../../../test-support/koa.js'
import { apiKey } from '../src/auth/api-key.js'
import { apiKeyDigest } from '../src/auth/api-key-digest.js'
import { memoryApiKeys } from '../src/auth/api-key-memory.js'
import { authenticate } from '../src/auth/authenticate.js'
import type { OperationHints } from '../src/http/channel.js'
import { gate } from '../src/koa.js'

afterEach(closeApps)

const KEY = 'koa-operation-test-key'
const lookup = memoryApiKeys([
  { digest: apiKeyDigest(KEY), keyId: 'k', subject: 'ann', scopes: ['items:read'], roles: ['clerk'] },
])

/** The status that a caller with the key, and one without, gets under these words about their request. */
async function statuses(hints: unknown): Promise<readonly number[]> {
  const { url } = await start(
    gate([authenticate([apiKey({ lookup })])], { operation: () => hints as OperationHints }),
    (ctx) => void (ctx.body = 'ran'),
  )
  const known = await fetch(url, { headers: { 'x-api-key': KEY } })
  return [known.status, (await fetch(url)).status]
}

describe('what a service says of a request, in the words of a declaration', () => {
  test.each<[string, OperationHints, readonly number[]]>([
    ['nothing', {}, [200, 401]],
    ['anonymous', { access: 'anonymous' }, [200, 200]],
    ['a scope the caller has', { scopes: ['items:read'] }, [200, 401]],
    ['a scope the caller lacks', { scopes: ['items:write'] }, [403, 401]],
    ['a role the caller lacks', { roles: ['boss'] }, [403, 401]],
    ['a scope or another', { scopes: [['items:write'], ['items:read']] }, [200, 401]],
  ])('%s', async (_title, hints, expected) => expect(await statuses(hints)).toEqual(expected))

  test.each([
    ['a member that does not exist', { scope: ['items:write'] }],
    ['a member that is undefined', { scopes: undefined }],
    ['another shape', { access: { scopes: ['items:write'] } }],
    ['an empty demand', { roles: [] }],
    ['a scope where nobody is known', { access: 'anonymous', scopes: ['items:write'] }],
    ['a cost of nothing', { cost: 0 }],
    ['an effect there is none of', { effect: 'reed' }],
    ['a host that is no name', { host: 1 }],
    ['a quota that no limiter has', { quotas: ['login'] }],
    ['a key that no policy reads', { idempotency: 'required' }],
    ['no object', null],
    ['a promise of words', Promise.resolve({ scopes: ['items:write'] })],
    ['words that others say', Object.create({ scopes: ['items:write'] })],
  ])('%s runs nothing', async (_title, hints) => expect(await statuses(hints)).toEqual([500, 500]))

  test('words that fail later run nothing, and end no process', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    expect(await statuses(Promise.reject(new Error('later')))).toEqual([500, 500])
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})
