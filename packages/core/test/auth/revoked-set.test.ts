import { describe, expect, jest, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createIdentity, type Identity } from '../../src/auth/identity.js'
import { checkRevocation, type Revocation, revokedSet } from '../../src/auth/revoked-set.js'

const START = Date.UTC(2026, 0, 1)
const TOLERANCE = 300_000

/** Everything that was ever revoked, one after another: it forgets nothing and knows no shortcut. */
class NaiveList {
  readonly #all = new Map<string, { revocation: Revocation; before: number; until: number }>()
  constructor(readonly max: number) {}

  add(revocation: Revocation, now: number): string {
    const { issuer, until = Number.POSITIVE_INFINITY } = revocation
    const isSingle = 'credentialId' in revocation
    const [name, tenant, before] = isSingle
      ? [revocation.credentialId, undefined, Number.POSITIVE_INFINITY]
      : [revocation.subject, revocation.tenant, revocation.issuedBefore ?? now]
    const key = JSON.stringify([isSingle, name, issuer ?? 0, tenant ?? 0])
    const known = this.#all.get(key)
    const isLive = known !== undefined && now < known.until + TOLERANCE
    const live = [...this.#all.values()].filter((one) => now < one.until + TOLERANCE)
    if (!isLive && live.length >= this.max) return 'full'
    this.#all.set(key, {
      revocation,
      before: isLive ? Math.max(known.before, before) : before,
      until: isLive ? Math.max(known.until, until) : until,
    })
    return isLive ? 'known' : 'added'
  }

  has(identity: Identity, now: number): boolean {
    return [...this.#all.values()].some(({ revocation, before, until }) => {
      if (now >= until + TOLERANCE || revocation.issuer !== identity.issuer) return false
      if ('credentialId' in revocation) return revocation.credentialId === identity.credentialId
      const { subject, tenant } = revocation
      if (subject !== identity.subject || tenant !== identity.tenant) return false
      return identity.issuedAt === undefined || identity.issuedAt < before
    })
  }
}

const few = fc.constantFrom('a', 'b', 'c')
const maybe = fc.option(fc.constantFrom('x', 'y'), { nil: undefined })
const time = fc.integer({ min: START - 500_000, max: START + 1_000_000 })
const maybeTime = fc.option(time, { nil: undefined })
const revocation: fc.Arbitrary<Revocation> = fc.oneof(
  fc.record({ credentialId: few, issuer: maybe, until: maybeTime }),
  fc.record({ subject: few, issuer: maybe, tenant: maybe, issuedBefore: maybeTime, until: maybeTime }),
)
const identities = fc
  .record({ subject: few, issuer: maybe, tenant: maybe, credentialId: fc.option(few), issuedAt: maybeTime })
  .map(({ credentialId, ...parts }) =>
    createIdentity({ scheme: 'jwt', ...parts, credentialId: credentialId ?? undefined }),
  )
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ revoke: revocation }) },
  { weight: 3, arbitrary: fc.record({ ask: identities }) },
  fc.record({ wait: fc.integer({ min: 0, max: 400_000 }) }),
)

describe('a bounded set of revocations', () => {
  test('answers as a list that forgets nothing, in every schedule', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (steps, max) => {
        const set = revokedSet(max)
        const list = new NaiveList(max)
        let now = START
        for (const action of steps) {
          if ('wait' in action) now += action.wait
          else if ('ask' in action) expect(set.has(action.ask, at(now))).toBe(list.has(action.ask, now))
          else {
            // Of one that has ended, whether it was still there is nobody's business.
            const [one, other] = [set.add(action.revoke, now), list.add(action.revoke, now)]
            expect(one === 'full').toBe(other === 'full')
            expect(set.size).toBeLessThanOrEqual(max)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  test('refuses the newcomer when it is full of what still counts, and takes it when something ended', () => {
    const set = revokedSet(2)
    const ann = { credentialId: 'ann', until: START + 1_000 }
    expect(set.add(ann, START)).toBe('added')
    expect(set.add({ credentialId: 'bob' }, START)).toBe('added')
    expect(set.add({ credentialId: 'eve' }, START)).toBe('full')
    expect(set.add({ ...ann, until: START + 2_000 }, START)).toBe('known')
    expect(set.add({ credentialId: 'eve' }, START + 2_000 + TOLERANCE - 1)).toBe('full')
    expect(set.has(named('ann'), at(START + 2_000 + TOLERANCE - 1))).toBe(true)
    expect(set.add({ credentialId: 'eve' }, START + 2_000 + TOLERANCE)).toBe('added')
    expect(['ann', 'bob', 'eve'].map((id) => set.has(named(id), at(START + 2_000 + TOLERANCE)))).toEqual([
      false,
      true,
      true,
    ])
  })

  test('does not grow with what has ended', () => {
    const set = revokedSet(1_000_000)
    let most = 0
    for (let index = 0; index < 20_000; index++) {
      const now = START + index * 1_000
      set.add({ credentialId: `token-${index}`, until: now + 1_000 }, now)
      most = Math.max(most, set.size)
    }
    // 300 count at any time: those within the clock tolerance.
    expect(most).toBeLessThan(2_000)
  })

  test('looks for what has ended only when something has', () => {
    const set = revokedSet(3)
    for (const credentialId of ['a', 'b', 'c']) set.add({ credentialId, until: START + 1_000 }, START)
    const walk = jest.spyOn(Map.prototype, Symbol.iterator)
    try {
      for (let index = 0; index < 50; index++) set.add({ credentialId: `more-${index}` }, START)
      expect(walk).not.toHaveBeenCalled()
    } finally {
      walk.mockRestore()
    }
  })
})

describe('checkRevocation', () => {
  test('refuses what revokes nothing, or not what it seems to', () => {
    for (const one of [{ credentialId: 'a' }, { subject: 's', issuer: 'i', tenant: 't', until: START }]) {
      expect(checkRevocation('it', one)).toBe(one)
    }
    const wrong: readonly [unknown, RegExp][] = [
      [undefined, /object/],
      [null, /object/],
      ['a', /object/],
      [{}, /subject/],
      [{ credentialId: '' }, /credentialId/],
      [{ credentialId: 7 }, /credentialId/],
      [{ credentialId: undefined, subject: 's' }, /subject/],
      [{ credentialId: 'a', subject: 's' }, /subject/],
      [{ credentialId: 'a', tenant: 't' }, /tenant/],
      [{ jti: 'a' }, /jti/],
      [{ subject: 's', issuer: '' }, /issuer/],
      [{ subject: 's', tenant: null }, /tenant/],
      [{ subject: 's', issuedBefore: '2026' }, /issuedBefore/],
      [{ subject: 's', issuedBefore: START / 1_000 }, /issuedBefore/],
      [{ credentialId: 'a', until: START / 1_000 }, /until/],
      [{ credentialId: 'a', until: Number.NaN }, /until/],
    ]
    for (const [one, message] of wrong) {
      expect(() => checkRevocation('it', one)).toThrow(TypeError)
      expect(() => checkRevocation('it', one)).toThrow(message)
    }
  })
})

function at(now: number): { now(): number } {
  return { now: () => now }
}

function named(credentialId: string): Identity {
  return createIdentity({ scheme: 'jwt', subject: 's', credentialId })
}
