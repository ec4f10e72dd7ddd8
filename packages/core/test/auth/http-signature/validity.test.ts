import { createSecretKey } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import type { SignatureKey } from '../../../src/auth/http-signature/signature-key.js'
import { checkTimes, endOf } from '../../../src/auth/http-signature/validity.js'

const CREATED = 1_700_000_000
const AT = CREATED * 1_000
const SETTING = { maxAge: 60_000, tolerance: 5_000 }
const KEY: SignatureKey = {
  algorithm: 'hmac-sha256',
  key: createSecretKey(Buffer.alloc(32, 1)),
  subject: 'billing',
}

/** Why a signature or its key is no good at a time; undefined when both are. */
function verdictAt(now: number, key: Partial<SignatureKey> = {}): string | undefined {
  const until = endOf({ created: CREATED }, SETTING)
  const found = checkTimes({ created: CREATED, until }, { ...KEY, ...key }, now, SETTING.tolerance)
  return found && [found.reason, found.at].filter(Boolean).join(' at ')
}

describe('the end of a signature', () => {
  test.each([
    ['is its age, with what clocks may differ', {}, AT + 65_000],
    ['is its own, where that is sooner', { expires: CREATED + 10 }, AT + 15_000],
    ['is its age, where its own is later', { expires: CREATED + 3_600 }, AT + 65_000],
  ])('%s', (_name, own, end) => {
    expect(endOf({ created: CREATED, ...own }, SETTING)).toBe(end)
  })
})

describe('a signature and its key', () => {
  test.each([
    ['from a clock that is behind by the tolerance', AT - 5_000, undefined],
    ['from one further behind', AT - 5_001, 'issued-in-future at created'],
    ['until the end', AT + 64_999, undefined],
    ['not at the end', AT + 65_000, 'expired at created'],
  ])('%s', (_name, now, verdict) => {
    expect(verdictAt(now)).toBe(verdict)
  })

  test.each<[string, Partial<SignatureKey>, string | undefined]>([
    ['a key before its time is not yet valid', { notBefore: AT + 1 }, 'not-yet-valid'],
    ['a key is good from its time on', { notBefore: AT }, undefined],
    ['a key that ends now has ended', { expiresAt: AT }, 'expired at keyid'],
    ['a key is good until then', { expiresAt: AT + 1 }, undefined],
    [
      'a disabled key is revoked, whatever time it says',
      { disabledAt: AT + 9_999, expiresAt: AT },
      'revoked',
    ],
  ])('%s', (_name, key, verdict) => {
    expect(verdictAt(AT, key)).toBe(verdict)
  })
})
