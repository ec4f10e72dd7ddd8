import type { RateLimitCharge } from '@headgate/core'
import { memoryRateLimitStore } from '@headgate/core'
import { describe, expect, test } from '@jest/globals'
import { signRaw } from '../../attacks/forge.js'
import { adding, documentOf, PROTOCOLS } from '../../attacks/protocols.js'
import { PASSWORD } from '../../attacks/service.js'
import { API_KEY, type Target, type TargetOptions } from '../../attacks/target.js'
import { useTargets } from '../../attacks/use-targets.js'
import { codeOf, type Got, type Sent } from '../../attacks/wire.js'

/** What an attacker may guess at once, from one address. */
const GUESSES = 10
const WITH_KEY = ['X-API-Key', API_KEY] as const

const open = useTargets()

/** Ten requests of a caller, and no more, since no time passes. */
const TEN: TargetOptions = {
  limit: {
    quotas: [
      { name: 'caller', limit: 600, window: '1h', burst: GUESSES },
      { name: 'sign-in', limit: 600, window: '1h', burst: GUESSES, key: 'ip', declared: true },
    ],
  },
}

const passed = (answers: readonly Got[]): number => answers.filter(({ status }) => status < 300).length
const times = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index))

const aliases = (count: number): string =>
  times(count, (n) => `a${n}: signIn(password: "guess ${n}")`).join(' ')

/** Sends requests one after another, and gives how many passed. */
async function passing(target: Target, requests: readonly Sent[]): Promise<number> {
  const answers: Got[] = []
  for (const each of requests) answers.push(await target.send(each))
  for (const { status } of answers) expect([200, 429]).toContain(status)
  return passed(answers)
}

describe.each(PROTOCOLS)(
  'over $name, limiter evasion by address, header, spelling or credential rotation',
  (protocol) => {
    const guess = (...fields: NonNullable<Sent['fields']>): Sent =>
      adding(protocol.ask('signIn', 'a guess'), ...fields)

    test('no field that a client writes gives it another address', async () => {
      const names =
        'X-Forwarded-For X-Real-IP True-Client-IP CF-Connecting-IP Fastly-Client-IP X-Client-IP Forwarded Via'
      const target = await open()
      const requests = names
        .split(' ')
        .flatMap((name) =>
          times(4, (n) => guess([name, name === 'Forwarded' ? `for=203.0.113.${n}` : `203.0.113.${n}`])),
        )
      expect(await passing(target, requests)).toBe(GUESSES)
      expect(target.done.signIn).toBe(GUESSES)
    })

    test('behind a proxy, what stands to the left of its own entry counts for nothing', async () => {
      const target = await open({ trustedProxies: { hops: 1 } })
      const lists = times(20, (n) => `198.51.100.${n}, 10.0.0.1, garbage, 203.0.113.7`)
      expect(
        await passing(
          target,
          lists.map((list) => guess(['X-Forwarded-For', list])),
        ),
      ).toBe(GUESSES)
      const lines = times(10, (n) =>
        guess(['X-Forwarded-For', `198.51.100.${n}`], ['X-Forwarded-For', '203.0.113.7']),
      )
      expect(await passing(target, lines)).toBe(0)
      expect(await passing(target, [guess(['X-Forwarded-For', '203.0.113.8'])])).toBe(1)
    })

    test('all spellings of an address, and all addresses of a customer, are one', async () => {
      const target = await open({ trustedProxies: { hops: 1 } })
      const v4 = [
        '203.0.113.7',
        '203.0.113.7:8080',
        '::ffff:203.0.113.7',
        '[::ffff:cb00:7107]:1',
        '::FFFF:203.0.113.7',
        '0:0:0:0:0:ffff:cb00:7107',
      ]
      const v6 = [
        '2001:db8:0:ab00::1',
        '[2001:DB8::ab00:0:0:0:2]:443',
        '2001:db8:0:abff:ffff::',
        '2001:0db8:0000:ab07:0:0:0:9',
      ]
      for (const spellings of [v4, v6]) {
        const requests = times(24, (n) => guess(['X-Forwarded-For', spellings[n % spellings.length] ?? '']))
        expect(await passing(target, requests)).toBe(GUESSES)
      }
      // What is no address is the proxy's: one budget for all of it.
      const junk = [
        'unknown',
        '010.1.1.1',
        '127.1',
        '2130706433',
        '0x7f.1',
        '1.2.3',
        '1.2.3.4.5',
        'a'.repeat(300),

        '',
      ]
      expect(
        await passing(
          target,
          times(30, (n) => guess(['X-Forwarded-For', junk[n % junk.length] ?? ''])),
        ),
      ).toBe(GUESSES)
    })

    test('new tokens of a caller share its budget, and a bad credential opens none', async () => {
      const keys = new Set<string>()
      const memory = memoryRateLimitStore()
      const budgets = {
        consume(charges: readonly RateLimitCharge[]) {
          for (const { key } of charges) keys.add(key)
          return memory.consume(charges)
        },
        settle: memory.settle.bind(memory),
        block: memory.block.bind(memory),
      }
      const target = await open({ ...TEN, budgets })
      const tokens = times(15, (n) => ['Authorization', `Bearer ${signRaw(target.signer, { n })}`] as const)
      expect(
        await passing(
          target,
          tokens.map((token) => adding(protocol.ask('me'), token)),
        ),
      ).toBe(GUESSES)
      expect(keys.size).toBe(1)
      for (const [name, value] of tokens) {
        expect((await target.send(protocol.ask('me'), [name, `${value.slice(0, -4)}AAAA`])).status).toBe(401)
        expect((await target.send(protocol.ask('me'), ['X-API-Key', `hg_${value.slice(-40)}`])).status).toBe(
          401,
        )
      }
      expect(keys.size).toBe(1)
    })

    test('guesses of credentials are counted by address, however they rotate and however many come at once', async () => {
      const quota = { limit: 600, window: '1h', burst: GUESSES } as const
      const target = await open({ authentication: { failures: { store: memoryRateLimitStore(), quota } } })
      const guesses = times(100, (n) =>
        adding(
          protocol.ask('me'),
          n % 2 === 0
            ? ['X-API-Key', `hg_guess_${n}_0123456789`]
            : ['Authorization', `Bearer ${signRaw(target.signer, {}).slice(0, -4)}AA${n}`],
          ['X-Forwarded-For', `203.0.113.${n}`],
        ),
      )
      const half = await target.pipeline(guesses.slice(0, 50))
      const rest = await Promise.all(guesses.slice(50).map((each) => target.send(each)))
      const statuses = [...half, ...rest].map(({ status }) => status)
      expect(statuses.filter((status) => status === 401)).toHaveLength(GUESSES)
      expect(statuses.filter((status) => status === 429)).toHaveLength(90)
      expect((await target.send(protocol.ask('me'), WITH_KEY)).status).toBe(429)
    })
  },
)

describe('guess amplification through GraphQL', () => {
  test('aliases are charged one by one', async () => {
    const target = await open(TEN)
    const hundred = await target.send(documentOf(`mutation { ${aliases(100)} }`))
    expect([hundred.status, codeOf(hundred)]).toEqual([400, 'cost-exceeds-quota'])
    expect(hundred.fields['retry-after']).toBeUndefined()
    expect(target.done.signIn).toBe(0)
    const three = times(5, () => documentOf(`mutation { ${aliases(3)} }`))
    expect(await passing(target, three)).toBe(3)
    expect(target.done.signIn).toBe(9)
  })

  test('so are fields in fragments, and what a variable switches off is not what counts', async () => {
    const target = await open(TEN)
    const spreads = 'mutation { ...A ...A ...B } fragment A on Mutation { ...B } fragment B on Mutation { '
    await target.send(documentOf(`${spreads}${aliases(11)} }`))
    await target.send(
      documentOf(`mutation ($on: Boolean!) { ${aliases(11).replaceAll(')', ') @include(if: $on)')} }`, {
        on: true,
      }),
    )
    expect(target.done.signIn).toBe(0)
  })

  test('a list of requests is none', async () => {
    const target = await open(TEN)
    const one = { query: `mutation { signIn(password: ${JSON.stringify(PASSWORD)}) }` }
    for (const body of [
      times(100, () => one),
      [one],
      [[one]],
      { 0: one, length: 1 },
      { ...one, query: [one.query] },
    ]) {
      const got = await target.send({ ...documentOf(''), body: JSON.stringify(body) }, WITH_KEY)
      expect([got.status, codeOf(got)]).toEqual([400, 'graphql-request-malformed'])
    }
    expect(target.done.signIn).toBe(0)
  })

  test('both protocols guess from one bucket', async () => {
    const target = await open(TEN)
    const guesses = PROTOCOLS.map((protocol) => protocol.ask('signIn', 'a guess'))
    expect(await passing(target, times(8, () => guesses).flat())).toBe(GUESSES)
  })

  test('a deep or a wide document does not run, nor one that nobody could write', async () => {
    const target = await open()
    const deep = `${'{ nested '.repeat(1_000)}${'}'.repeat(1_000)}`
    const wide = `{ ${'nested { name } '.repeat(6_000)} }`
    const bomb = `{ ...F0 } ${times(40, (n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`).join(' ')} fragment F40 on Query { home }`
    const cycle = '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }'
    for (const document of [
      deep,
      wide,
      bomb,
      cycle,
      '{'.repeat(100_000),
      `{ home ${'@x '.repeat(20_000)}}`,
    ]) {
      const got = await target.send(documentOf(document))
      expect([document.slice(0, 20), got.status]).toEqual([document.slice(0, 20), 401])
      const known = await target.send(documentOf(document), WITH_KEY)
      expect([document.slice(0, 20), known.status]).toEqual([document.slice(0, 20), 400])
    }
    expect(target.done.home).toBe(0)
  })
})

describe.each(PROTOCOLS)(
  'over $name, races, pipelining; replays across identity, route, payload',
  (protocol) => {
    test('of forty first requests ten pass, in one write or on forty connections', async () => {
      for (const together of ['one write', 'connections'] as const) {
        const target = await open(TEN)
        const requests = times(40, () => adding(protocol.ask('create'), WITH_KEY))
        const answers =
          together === 'one write'
            ? await target.pipeline(requests)
            : await Promise.all(requests.map((each) => target.send(each)))
        expect([answers.length, passed(answers), target.done.create]).toEqual([40, GUESSES, GUESSES])
        expect(answers.filter(({ status }) => status === 429)).toHaveLength(30)
      }
    })

    test('of forty copies under one key one runs', async () => {
      const target = await open()
      const copy = adding(protocol.ask('create'), WITH_KEY, ['Idempotency-Key', 'one'])
      const answers = await target.pipeline(times(40, () => copy))
      expect(answers.map(({ status }) => status).filter((status) => status >= 300 && status !== 409)).toEqual(
        [],
      )
      expect(target.done.create).toBe(1)
      const replayed = await target.send(copy)
      expect([replayed.fields['idempotent-replayed'], target.done.create]).toEqual(['true', 1])
    })

    test('a key replays nothing to another caller, for another payload or at another place', async () => {
      const target = await open()
      const key = ['Idempotency-Key', 'one'] as const
      const first = await target.send(protocol.ask('create', 'secret of ann'), WITH_KEY, key)
      expect(first.status).toBeLessThan(300)
      const bob = await target.send(protocol.ask('create', 'secret of ann'), await target.bearer('bob'), key)
      expect([bob.fields['idempotent-replayed'], target.done.create]).toEqual([undefined, 2])
      const other = await target.send(protocol.ask('create', 'another note'), WITH_KEY, key)
      expect([other.status, codeOf(other)]).toEqual([422, 'idempotency-key-reused'])
      expect(other.text).not.toContain('secret')
      for (const elsewhere of PROTOCOLS.filter(({ name }) => name !== protocol.name)) {
        const got = await target.send(elsewhere.ask('create', 'secret of ann'), WITH_KEY, key)
        expect(got.fields['idempotent-replayed']).toBeUndefined()
      }
      const stranger = await target.send(protocol.ask('create', 'secret of ann'), key)
      expect([stranger.status, stranger.text.includes('secret')]).toEqual([401, false])
      // Without the scope the caller is not told what it once was.
      const narrowed = await target.send(
        protocol.ask('create', 'secret of ann'),
        await target.bearer('bob', 'none'),
        key,
      )
      expect([narrowed.status, codeOf(narrowed)]).toEqual([403, 'scope-insufficient'])
    })
  },
)
