import { type Clock, systemClock } from '../../clock.js'
import { type Duration, milliseconds } from '../../duration.js'
import { checkKnown, checkMethods } from '../../options.js'
import { isPublicKeyAlgorithm, type PublicKeyAlgorithm } from '../jwt/algorithms.js'
import { checkTolerance } from '../clock-tolerance.js'
import type { ReplayStore } from '../replay-store.js'
import type { TokenScheme } from '../token-scheme.js'
import { keyedNonces, type Nonces, type NonceSecrets } from './nonces.js'
import { type IsTarget, originOf, targetCheck } from './target.js'

/** Settings of `dpop`. */
export interface DpopOptions {
  /** Verifies the access token itself: a `jwt` or `introspection`, which may stand in the chain too. Required. */
  readonly token: TokenScheme
  /** Remembers the proofs that were used. Processes behind one address must share it. Required. */
  readonly replay: ReplayStore
  /**
   * The origins that clients call: `'https://api.example'`. A proof for another is bad, whatever a request says of
   * itself. `'request'`: the request's own, from `Host`, for services of many names whose `Host` was checked before.
   * Required.
   */
  readonly origin: string | readonly string[]
  /** Accepted signature algorithms of proofs. Default ES256, EdDSA. */
  readonly algorithms?: readonly PublicKeyAlgorithm[]
  /** How old a proof may be, by its `iat`. Without effect where a nonce says it. Default `'1m'`. */
  readonly maxAge?: Duration
  /** How far clocks may differ; at most 5 minutes. Default `'30s'`. */
  readonly clockTolerance?: Duration
  /** Demands nonces from here in every proof. Default: none. */
  readonly nonce?: DpopNonceOptions
  /** How long the replay store may take, before the client gets 503. Default `'250ms'`. */
  readonly deadline?: Duration
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** How nonces are made. Processes with the same settings know each other's. */
export interface DpopNonceOptions {
  /**
   * At least 32 random bytes each; text counts as UTF-8. The first makes nonces, the others are known still. Required.
   */
  readonly secrets: readonly (string | Uint8Array)[]
  /** A new nonce begins so often, and the one before it is good so much longer. Default `'1m'`. */
  readonly lifetime?: Duration
}

/** The defaults of {@link DpopOptions}. */
export const DPOP_DEFAULTS = {
  algorithms: ['ES256', 'EdDSA'],
  maxAge: '1m',
  clockTolerance: '30s',
  deadline: '250ms',
  nonce: { lifetime: '1m' },
} as const

/** Checked settings. Times are milliseconds. */
export interface DpopSettings {
  readonly token: TokenScheme
  readonly replay: ReplayStore
  readonly isTarget: IsTarget
  readonly algorithms: readonly PublicKeyAlgorithm[]
  readonly maxAge: number
  readonly tolerance: number
  readonly nonces: Nonces | undefined
  /** How long a proof must be remembered: as long as any process may still take it. */
  readonly memory: number
  readonly deadline: number
  readonly clock: Clock
}

/** @throws TypeError that names the option. */
export function checkDpopOptions(options: DpopOptions): DpopSettings {
  checkKnown('dpop', options, KNOWN)
  const { token, replay, clock = systemClock, ...given } = { ...DPOP_DEFAULTS, ...options }
  checkMethods('dpop: token', token, ['verify', 'verifyBound'])
  checkMethods('dpop: replay', replay, ['remember'])
  checkMethods('dpop: clock', clock, ['now', 'after'])
  const maxAge = milliseconds('dpop: maxAge', given.maxAge)
  const tolerance = checkTolerance('dpop: clockTolerance', given.clockTolerance)
  const nonce = options.nonce === undefined ? undefined : checkNonce(options.nonce)
  return {
    token,
    replay,
    clock,
    isTarget: targetCheck(checkOrigin(options.origin)),
    algorithms: checkAlgorithms(given.algorithms),
    maxAge,
    tolerance,
    nonces: nonce && keyedNonces(nonce.secrets, nonce.lifetime),
    // A proof may be dated ahead by the tolerance, or carry a nonce whose span another process has begun; and the clock
    // of the process that it is brought to again may be behind by the tolerance.
    memory: (nonce === undefined ? maxAge + 2 * tolerance : 3 * nonce.lifetime) + tolerance,
    deadline: milliseconds('dpop: deadline', given.deadline),
  }
}

const KNOWN: readonly (keyof DpopOptions)[] = [
  'token',
  'replay',
  'origin',
  'algorithms',
  'maxAge',
  'clockTolerance',
  'nonce',
  'deadline',
  'clock',
]

const LEAST_SECRET = 32

function checkOrigin(origin: unknown): readonly string[] | undefined {
  if (origin === 'request') return undefined
  const list: unknown = typeof origin === 'string' ? [origin] : origin
  const wrong = "dpop: origin must be origins such as 'https://api.example', without a path; or 'request'"
  if (!Array.isArray(list) || list.length === 0) throw new TypeError(wrong)
  return list.map((text: unknown) => {
    const known = typeof text === 'string' ? originOf(text) : undefined
    if (known === undefined) throw new TypeError(wrong)
    return known
  })
}

function checkAlgorithms(algorithms: unknown): readonly PublicKeyAlgorithm[] {
  if (Array.isArray(algorithms) && algorithms.length > 0 && algorithms.every(isPublicKeyAlgorithm)) {
    return [...algorithms]
  }
  throw new TypeError('dpop: algorithms must name signature algorithms with public keys, such as ES256')
}

function checkNonce(options: DpopNonceOptions): { secrets: NonceSecrets; lifetime: number } {
  checkKnown('dpop: nonce', options, ['secrets', 'lifetime'])
  const { secrets, lifetime } = { ...DPOP_DEFAULTS.nonce, ...options }
  const [first, ...retired] = (Array.isArray(secrets) ? secrets : []).map((secret: unknown, index) => {
    const isSecret = typeof secret === 'string' || secret instanceof Uint8Array
    const made = isSecret ? Buffer.from(secret as string) : undefined
    if (made === undefined || made.byteLength < LEAST_SECRET) {
      throw new TypeError(
        `dpop: nonce.secrets[${index}] must have at least ${LEAST_SECRET} bytes, random ones`,
      )
    }
    return made
  })
  if (first === undefined)
    throw new TypeError('dpop: nonce.secrets must be an array with at least one secret')
  return { secrets: [first, ...retired], lifetime: milliseconds('dpop: nonce.lifetime', lifetime) }
}
