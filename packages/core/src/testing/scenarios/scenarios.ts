import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { KEYS_A_CALLER, openGateway, type ScenarioGateway } from './gateway.js'
import type { ScenarioProtocol } from './protocol.js'

/** One behaviour of the gate that every protocol has. */
export interface Scenario {
  readonly name: string
  readonly run: () => Promise<void>
}

type Script = (gateway: ScenarioGateway, protocol: ScenarioProtocol) => Promise<void>

/** What the gate promises, as a table that each protocol's adapter runs over real sockets. */
export function gateScenarios(protocol: ScenarioProtocol): readonly Scenario[] {
  return Object.entries({ ...IDENTITY, ...CONTRACT, ...IDEMPOTENCY, ...CACHE })
    .map(([name, script]) => scenario(protocol, name, script))
    .concat(Object.entries(BUDGET).map(([name, script]) => scenario(protocol, name, script, SMALL_QUOTA)))
}

/** Six at once, then one every ten seconds. */
const SMALL_QUOTA = { name: 'small', limit: 6, window: '1m', burst: 6 } as const

function scenario(
  protocol: ScenarioProtocol,
  name: string,
  script: Script,
  quota?: Parameters<typeof openGateway>[1],
): Scenario {
  return {
    name: `${protocol.name}: ${name}`,
    async run() {
      const gateway = await openGateway(protocol, quota)
      try {
        await script(gateway, protocol)
      } finally {
        await gateway.close()
      }
    },
  }
}

const IDENTITY: Record<string, Script> = {
  async 'no credential is 401 with a challenge, and nothing runs'({ send, items }) {
    const reply = await send({ do: 'read', id: '1' }, { as: null })
    equal(reply.status, 401)
    equal(reply.code, 'credentials-missing')
    match(reply.headers['www-authenticate'] ?? '', /realm="/)
    match(reply.headers['cache-control'] ?? '', /no-store/)
    equal(items.done.read, 0)
  },
  async 'an unknown credential is 401, told apart from none by its code only'({ send, items }) {
    const reply = await send(
      { do: 'read', id: '1' },
      { as: null, headers: { 'x-api-key': 'hg_scenario_nobody_0123456789' } },
    )
    equal(reply.status, 401)
    equal(reply.code, 'credentials-invalid')
    ok(!reply.text.includes('nobody'), 'the credential is not repeated')
    equal(items.done.read, 0)
  },
  async 'one credential field twice is 400'({ send }) {
    const key = 'hg_scenario_ann_0123456789abcdef'
    const reply = await send({ do: 'read', id: '1' }, { as: null, headers: { 'x-api-key': [key, key] } })
    equal(reply.status, 400)
    equal(reply.code, 'credentials-ambiguous')
  },
  async 'a caller without the scope is 403, and nothing runs'({ send, items }) {
    const reply = await send({ do: 'create', name: 'forbidden' }, { as: 'reader' })
    equal(reply.status, 403)
    equal(reply.code, 'scope-insufficient')
    equal(items.done.create, 0)
  },
  async 'a good credential gets the answer'({ send }) {
    const reply = await send({ do: 'read', id: '1' })
    equal(reply.status, 200)
    deepEqual(reply.data, { id: '1', name: 'first' })
  },
  async 'what the service does not have is gated like everything else'({ send }, { statuses }) {
    const stranger = await send({ do: 'unknown' }, { as: null })
    equal(stranger.status, 401)
    const known = await send({ do: 'unknown' })
    equal(known.status, statuses.unknown)
    ok(known.headers.ratelimit !== undefined, 'it was charged')
  },
}

const CONTRACT: Record<string, Script> = {
  async 'a malformed body is the caller’s fault, told to known callers only'({ send }, { statuses }) {
    equal((await send({ do: 'malformed' }, { as: null })).status, 401)
    const reply = await send({ do: 'malformed' })
    equal(reply.status, statuses.malformed)
    ok(reply.code !== undefined, 'it has a code')
    ok(reply.headers.ratelimit !== undefined, 'it was charged')
  },
  async 'a request that does not meet its contract leaves its idempotency key free'(
    { send, items },
    { statuses },
  ) {
    const invalid = await send({ do: 'create-invalid' }, { key: 'contract-1' })
    equal(invalid.status, statuses.invalid)
    equal(items.done.create, 0)
    const valid = await send({ do: 'create', name: 'valid' }, { key: 'contract-1' })
    equal(valid.status, statuses.created)
    equal(valid.headers['idempotent-replayed'], undefined)
  },
}

const IDEMPOTENCY: Record<string, Script> = {
  async 'a retry gets the first answer, byte for byte, and nothing runs again'(
    { send, items },
    { statuses },
  ) {
    const first = await send({ do: 'create', name: 'once' }, { key: 'key-1' })
    const second = await send({ do: 'create', name: 'once' }, { key: 'key-1' })
    equal(first.status, statuses.created)
    equal(second.status, first.status)
    equal(second.text, first.text)
    equal(first.headers['idempotent-replayed'], undefined)
    equal(second.headers['idempotent-replayed'], 'true')
    equal(items.done.create, 1)
  },
  async 'a key sent bare and the same key in quotes are one key'({ send, items }) {
    await send({ do: 'create', name: 'once' }, { key: 'key-1' })
    const second = await send({ do: 'create', name: 'once' }, { key: '"key-1"' })
    equal(second.headers['idempotent-replayed'], 'true')
    equal(items.done.create, 1)
  },
  async 'copies that arrive while the first runs get 409 and a time to come back'(
    { send, items },
    { statuses },
  ) {
    const { entered, release } = items.hold()
    const first = send({ do: 'create', name: 'slow' }, { key: 'key-1' })
    await entered
    const copies = await Promise.all(
      Array.from({ length: 10 }, () => send({ do: 'create', name: 'slow' }, { key: 'key-1' })),
    )
    for (const copy of copies) {
      equal(copy.status, 409)
      equal(copy.code, 'idempotency-in-flight')
      ok(Number(copy.headers['retry-after']) >= 1)
    }
    release()
    equal((await first).status, statuses.created)
    equal(items.done.create, 1)
  },
  async 'another payload under the same key is 422'({ send, items }) {
    await send({ do: 'create', name: 'one' }, { key: 'key-1' })
    const other = await send({ do: 'create', name: 'two' }, { key: 'key-1' })
    equal(other.status, 422)
    equal(other.code, 'idempotency-key-reused')
    equal(items.done.create, 1)
  },
  async 'a key belongs to its caller: another’s is another'({ send, items }) {
    await send({ do: 'create', name: 'same' }, { key: 'key-1', as: 'ann' })
    const other = await send({ do: 'create', name: 'same' }, { key: 'key-1', as: 'bob' })
    equal(other.headers['idempotent-replayed'], undefined)
    equal(items.done.create, 2)
  },
  async 'a missing key is 400 where one is demanded, and nothing runs'({ send, items }) {
    const reply = await send({ do: 'pay', id: '1' })
    equal(reply.status, 400)
    equal(reply.code, 'idempotency-key-missing')
    equal(items.done.pay, 0)
    equal((await send({ do: 'pay', id: '1' }, { key: 'key-1' })).code, undefined)
    equal(items.done.pay, 1)
  },
  async 'a malformed key is 400, and nothing runs'({ send, items }) {
    const reply = await send({ do: 'create', name: 'x1' }, { key: 'a, b' })
    equal(reply.status, 400)
    equal(reply.code, 'idempotency-key-malformed')
    equal(items.done.create, 0)
  },
  async 'a key on a read is ignored'({ send }) {
    await send({ do: 'read', id: '1' }, { key: 'key-1' })
    const second = await send({ do: 'list' }, { key: 'key-1' })
    equal(second.status, 200)
    equal(second.headers['idempotent-replayed'], undefined)
  },
  async 'a caller with too many keys is 429 for new ones; its old keys and other callers go on'(
    { send, items, clock },
    { statuses },
  ) {
    const create = (n: number, as: 'ann' | 'bob') =>
      send({ do: 'create', name: `x${n}` }, { key: `key-${n}`, as })
    for (let n = 0; n < KEYS_A_CALLER; n += 1) equal((await create(n, 'ann')).status, statuses.created)
    const refused = await create(KEYS_A_CALLER, 'ann')
    equal(refused.status, 429)
    equal(refused.code, 'idempotency-quota-exceeded')
    equal(refused.headers['retry-after'], '60')
    equal(items.done.create, KEYS_A_CALLER)
    equal((await create(0, 'ann')).headers['idempotent-replayed'], 'true')
    for (let n = 0; n < KEYS_A_CALLER; n += 1) equal((await create(n, 'bob')).status, statuses.created)
    await clock.advance(86_400_000)
    equal((await create(KEYS_A_CALLER, 'ann')).status, statuses.created)
  },
  async 'a caller who lost the scope gets 403, not the stored answer'({ send }) {
    await send({ do: 'create', name: 'mine' }, { key: 'key-1' })
    equal((await send({ do: 'create', name: 'mine' }, { key: 'key-1', as: 'reader' })).status, 403)
  },
}

const CACHE: Record<string, Script> = {
  async 'a second read comes from the cache, with its age'({ send, items, clock }) {
    const first = await send({ do: 'read', id: '1' })
    await clock.advance(7_000)
    const second = await send({ do: 'read', id: '1' })
    equal(items.done.read, 1)
    equal(second.text, first.text)
    match(String(first.headers['cache-status']), /fwd=.*stored/)
    match(String(second.headers['cache-status']), /hit/)
    equal(second.headers.age, '7')
  },
  async 'an answer is not kept longer than it said'({ send, items, clock }) {
    await send({ do: 'read', id: '1' })
    await clock.advance(60_000)
    await send({ do: 'read', id: '1' })
    equal(items.done.read, 2)
  },
  async 'one caller’s answer is never another’s'({ send, items }) {
    await send({ do: 'read', id: '1' }, { as: 'ann' })
    const other = await send({ do: 'read', id: '1' }, { as: 'bob' })
    equal(items.done.read, 2)
    ok(!String(other.headers['cache-status']).includes('hit'))
  },
  async 'a matching entity tag is 304 without a body, and only for callers who may read it'({ send }) {
    const first = await send({ do: 'read', id: '1' })
    const etag = first.headers.etag ?? ''
    match(etag, /^"/)
    const again = await send({ do: 'read', id: '1' }, { headers: { 'if-none-match': etag } })
    equal(again.status, 304)
    equal(again.text, '')
    equal(again.headers.etag, etag)
    const stranger = await send({ do: 'read', id: '1' }, { as: null, headers: { 'if-none-match': etag } })
    equal(stranger.status, 401)
  },
  async 'a conditional field never keeps a write from running'({ send, items }, { statuses }) {
    const { headers } = await send({ do: 'list' })
    for (const value of [headers.etag ?? '"x"', '*']) {
      const written = await send({ do: 'create', name: 'written' }, { headers: { 'if-none-match': value } })
      equal(written.status, statuses.created)
    }
    equal(items.done.create, 2)
  },
  async 'a write purges the entity it changed, and leaves the others'({ send, items }) {
    const before = await send({ do: 'read', id: '1' })
    await send({ do: 'rename', id: '1', name: 'renamed' }, { as: 'bob' })
    const after = await send({ do: 'read', id: '1' })
    deepEqual(after.data, { id: '1', name: 'renamed' })
    notEqual(after.headers.etag, before.headers.etag)
    equal(items.done.read, 2)
  },
  async 'a create purges the lists, a rename the lists that hold the entity'({ send, items }) {
    await send({ do: 'list' })
    await send({ do: 'create', name: 'second' })
    equal(((await send({ do: 'list' })).data as unknown[]).length, 2)
    await send({ do: 'rename', id: '1', name: 'renamed' })
    deepEqual(((await send({ do: 'list' })).data as unknown[])[0], { id: '1', name: 'renamed' })
    equal(items.done.list, 3)
  },
}

const BUDGET: Record<string, Script> = {
  async 'every answer says what is left'({ send }) {
    const reply = await send({ do: 'read', id: '1' })
    match(String(reply.headers['ratelimit-policy']), /^"small";q=6;w=60/)
    match(String(reply.headers.ratelimit), /^"small";r=5/)
  },
  async 'a spent budget is 429 with the time to come back, and that time is true'({ send, items, clock }) {
    for (let count = 0; count < 6; count += 1) equal((await send({ do: 'list' })).status, 200)
    const refused = await send({ do: 'read', id: '1' })
    equal(refused.status, 429)
    equal(refused.code, 'quota-exceeded')
    equal(items.done.read, 0)
    const wait = Number(refused.headers['retry-after'])
    ok(wait >= 1 && wait <= 10, `Retry-After is ${wait}`)
    await clock.advance((wait - 1) * 1_000)
    equal((await send({ do: 'read', id: '1' })).status, 429)
    await clock.advance(1_000)
    equal((await send({ do: 'read', id: '1' })).status, 200)
  },
  async 'an operation is charged what it costs, and a denial costs nothing'({ send }, { statuses }) {
    equal((await send({ do: 'create', name: 'dear' })).status, statuses.created)
    equal((await send({ do: 'create', name: 'dear' })).status, 429)
    match(String((await send({ do: 'read', id: '1' })).headers.ratelimit), /r=0/)
  },
  async 'one caller’s budget is not another’s'({ send }) {
    for (let count = 0; count < 7; count += 1) await send({ do: 'read', id: '1' }, { as: 'ann' })
    equal((await send({ do: 'read', id: '1' }, { as: 'ann' })).status, 429)
    equal((await send({ do: 'read', id: '1' }, { as: 'bob' })).status, 200)
  },
  async 'refusals of later policies carry the budget too'({ send }) {
    const reply = await send({ do: 'pay', id: '1' })
    equal(reply.code, 'idempotency-key-missing')
    match(String(reply.headers.ratelimit), /^"small";r=5/)
  },
}
