import type { Clock } from '../clock.js'
import { checkKnown, checkText } from '../options.js'
import { MOST_TOLERANCE } from './clock-tolerance.js'
import type { Identity } from './identity.js'

/** What is no longer good: one credential, or all that a subject had before. */
export type Revocation = RevokedCredential | RevokedSubject

/** One credential. */
export interface RevokedCredential {
  /** A token's `jti`, an API key's id: `credentialId` of its identity. */
  readonly credentialId: string
  /** As its identity has it, byte by byte. API keys have none. */
  readonly issuer?: string | undefined
  /** When the credential ends by itself, in milliseconds since the Unix epoch. Default: it is remembered for good. */
  readonly until?: number | undefined
}

/** All credentials of a subject that were issued before a moment. */
export interface RevokedSubject {
  /** As the identity has it; of whatever scheme it is. */
  readonly subject: string
  /** As the identity has it. */
  readonly issuer?: string | undefined
  /** As the identity has it. */
  readonly tenant?: string | undefined
  /**
   * In milliseconds since the Unix epoch, by the issuer's clock. Credentials that do not say when they were issued are
   * revoked too. Default: now.
   */
  readonly issuedBefore?: number | undefined
  /** When the last of them ends by itself. Default: it is remembered for good. */
  readonly until?: number | undefined
}

/** What is revoked, in memory. */
export interface RevokedSet {
  readonly size: number
  /** @returns `full` when there is no room: then nothing changed. */
  add(revocation: Revocation, now: number): 'added' | 'known' | 'full'
  has(identity: Identity, clock: Pick<Clock, 'now'>): boolean
}

/** Below that many, nobody looks for entries that have ended. */
const FEW = 1_024

interface Entry {
  readonly issuer: string | undefined
  readonly tenant: string | undefined
  /** Issued before it; infinite for single credentials. */
  before: number
  until: number
}

/**
 * Makes a set of at most `max` revocations. Nothing is forgotten before its time: a full set refuses the newcomer. What
 * has ended is cleared away before that, each time the set has doubled.
 */
export function revokedSet(max: number): RevokedSet {
  const credentials = new Map<string, Entry[]>()
  const subjects = new Map<string, Entry[]>()
  let size = 0
  let sweepAt = Math.min(FEW, max)
  /** No entry ends before: until then there is nothing to clear away. */
  let firstEnd = Number.POSITIVE_INFINITY

  return {
    get size() {
      return size
    },
    add(revocation, now) {
      const [kind, name, entry] = entryOf(revocation, now)
      const entries = (kind === 'credential' ? credentials : subjects).get(name)
      const known = entries?.find((one) => one.issuer === entry.issuer && one.tenant === entry.tenant)
      if (known !== undefined) {
        // Two that meet are one that holds for both: never for less.
        const isOver = now >= known.until
        known.before = isOver ? entry.before : Math.max(known.before, entry.before)
        known.until = isOver ? entry.until : Math.max(known.until, entry.until)
        return 'known'
      }
      if (size >= sweepAt && now >= firstEnd) sweep(now)
      if (size >= max) return 'full'
      // The sweep may have taken the list away.
      const map = kind === 'credential' ? credentials : subjects
      map.set(name, [...(map.get(name) ?? []), entry])
      size += 1
      firstEnd = Math.min(firstEnd, entry.until)
      return 'added'
    },
    has({ credentialId, issuer, tenant, subject, issuedAt = Number.NEGATIVE_INFINITY }, clock) {
      const single = credentialId === undefined ? undefined : credentials.get(credentialId)
      const all = subjects.get(subject)
      // Nearly everybody: nothing is asked of the clock.
      if (single === undefined && all === undefined) return false
      const now = clock.now()
      const isSingle = single?.some((one) => one.issuer === issuer && now < one.until)
      if (isSingle === true) return true
      const isOneOfAll = all?.some(
        (one) => one.issuer === issuer && one.tenant === tenant && issuedAt < one.before && now < one.until,
      )
      return isOneOfAll === true
    },
  }

  function sweep(now: number): void {
    size = 0
    firstEnd = Number.POSITIVE_INFINITY
    for (const map of [credentials, subjects]) {
      for (const [name, entries] of map) {
        const left = entries.filter(({ until }) => now < until)
        if (left.length === 0) map.delete(name)
        else if (left.length < entries.length) map.set(name, left)
        size += left.length
        for (const { until } of left) firstEnd = Math.min(firstEnd, until)
      }
    }
    sweepAt = Math.min(Math.max(FEW, size * 2), max)
  }
}

function entryOf(revocation: Revocation, now: number): ['credential' | 'subject', string, Entry] {
  const { issuer, until = Number.POSITIVE_INFINITY } = revocation
  const kept = until + MOST_TOLERANCE
  if (namesOne(revocation)) {
    const entry = { issuer, tenant: undefined, before: Number.POSITIVE_INFINITY, until: kept }
    return ['credential', revocation.credentialId, entry]
  }
  const { subject, tenant, issuedBefore: before = now } = revocation
  return ['subject', subject, { issuer, tenant, before, until: kept }]
}

/** @throws TypeError that names what is wrong, never by its value. */
export function checkRevocation(option: string, revocation: unknown): Revocation {
  const single = typeof revocation === 'object' && revocation !== null && namesOne(revocation)
  const members = single
    ? ['credentialId', 'issuer', 'until']
    : ['subject', 'issuer', 'tenant', 'issuedBefore', 'until']
  checkKnown(option, revocation, members)
  const given = revocation as Readonly<Record<string, unknown>>
  const name = single ? 'credentialId' : 'subject'
  checkText(`${option}.${name}`, given[name])
  for (const text of ['issuer', 'tenant']) {
    if (given[text] !== undefined) checkText(`${option}.${text}`, given[text])
  }
  for (const time of ['issuedBefore', 'until']) {
    const value = given[time]
    if (value === undefined) continue
    // In seconds it would be over since 1970, and nothing revoked.
    if (typeof value !== 'number' || !Number.isFinite(value) || value < LEAST_TIME) {
      throw new TypeError(`${option}.${time} must be a time in milliseconds since the Unix epoch`)
    }
  }
  return given as unknown as Revocation
}

/** 1973 in milliseconds, and the year 5138 in seconds. */
const LEAST_TIME = 100_000_000_000

function namesOne(revocation: object): revocation is RevokedCredential {
  return Object.hasOwn(revocation, 'credentialId')
}
