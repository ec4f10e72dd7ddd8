import { createHmac, timingSafeEqual } from 'node:crypto'

/** Nonces that any process with the same secret makes and knows: nothing is stored. */
export interface Nonces {
  /** The nonce that clients are to use now. */
  current(now: number): string
  /** `good`; `ageing`: still good, and the client is told the current one; `bad`. */
  judge(nonce: string, now: number): 'good' | 'ageing' | 'bad'
}

/**
 * Makes nonces from time and a secret: one for each span of time. Good are that of the span that runs, the one before,
 * and the one after it, which another process' clock may have begun.
 *
 * @param secrets the first makes nonces, the others make known ones only: for changing it without a gap.
 * @param lifetime the span in milliseconds.
 */
export function keyedNonces(secrets: NonceSecrets, lifetime: number): Nonces {
  let span = Number.NaN
  let current = ''
  let fresh: readonly Buffer[] = []
  let old: readonly Buffer[] = []

  return {
    current(now) {
      turn(now)
      return current
    },
    judge(nonce, now) {
      turn(now)
      const given = Buffer.from(nonce)
      // Nobody must find out by trial what is not given out yet, so nothing ends the comparison early.
      const isFresh = matches(fresh, given)
      const isOld = matches(old, given)
      return isFresh ? 'good' : isOld ? 'ageing' : 'bad'
    },
  }

  function turn(now: number): void {
    const running = Math.floor(now / lifetime)
    if (running === span) return
    span = running
    const [secret, ...retired] = secrets
    const during = nonceOf(secret, span)
    current = during.toString()
    fresh = [during, nonceOf(secret, span + 1)]
    old = [
      nonceOf(secret, span - 1),
      ...retired.flatMap((one) => [-1, 0, 1].map((step) => nonceOf(one, span + step))),
    ]
  }
}

/** One at the least. */
export type NonceSecrets = readonly [Uint8Array, ...Uint8Array[]]

/** 132 bits. */
const LENGTH = 22

function nonceOf(secret: Uint8Array, span: number): Buffer {
  const mac = createHmac('sha256', secret).update(`headgate dpop nonce ${span}`).digest('base64url')
  return Buffer.from(mac.slice(0, LENGTH))
}

function matches(nonces: readonly Buffer[], given: Buffer): boolean {
  if (given.byteLength !== LENGTH) return false
  return nonces.filter((nonce) => timingSafeEqual(nonce, given)).length > 0
}
