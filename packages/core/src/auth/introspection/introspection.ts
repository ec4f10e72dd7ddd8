import { randomInt } from 'node:crypto'
import { circuitBreaker } from '../../breaker.js'
import type { Identity } from '../identity.js'
import { LONGEST_CACHED_TOKEN, tokenDigest } from '../jwt/token-cache.js'
import { unlessRevoked } from '../revocation.js'
import { type Accepted, accepted, rejected, type Rejected, undecided, type Verdict } from '../scheme.js'
import { tokenScheme, type TokenScheme } from '../token-scheme.js'
import { readAnswer } from './answer.js'
import { answerCache } from './answer-cache.js'
import { askServer } from './ask-server.js'
import type { IntrospectionOptions } from './options.js'
import { checkIntrospectionOptions } from './settings.js'

/** The server is left alone after so many failures in a row, for so long in milliseconds. */
const BREAKER = { failures: 5, cooldown: 5_000 } as const

/** When to ask again while too many others do, in milliseconds. */
const BUSY_RETRY = 1_000

/**
 * Knows callers by an opaque token in `Authorization: Bearer`, by asking the server that issued it (RFC 7662). Active
 * tokens are remembered for a short while; requests that bring one token at the same time share a question. A token
 * that is bound to its sender is for `dpop` alone.
 */
export function introspection(options: IntrospectionOptions): TokenScheme {
  const settings = checkIntrospectionOptions(options)
  const { clock, rules, tokens, maxTokenBytes, maxConcurrent, isRevoked, report } = settings
  const cache = settings.cache && answerCache(settings.cache.ttl, settings.cache.maxEntries)
  const asking = new Map<string, Promise<Verdict>>()
  const breaker = circuitBreaker({
    ...BREAKER,
    clock,
    random: () => randomInt(1_000_000) / 1_000_000,
    onChange: (state) => report({ type: 'introspection.breaker', state }),
  })
  const isMine = (token: string): boolean => tokens === 'all' || !JWT_FORM.test(token)

  return tokenScheme({
    name: 'introspection',
    claims: isMine,
    verifyBound(token) {
      if (token.length > maxTokenBytes || !B64TOKEN.test(token) || !isMine(token))
        return rejected('malformed')
      const digest = tokenDigest(token)
      const known = cache?.get(digest, clock.now())
      if (known !== undefined) return unlessRevoked(known, isRevoked)
      return (asking.get(digest) ?? ask(token, digest)).then((verdict) => unlessRevoked(verdict, isRevoked))
    },
  })

  /** Junk must not become load on the server: it is asked about few tokens at once, and left alone while it fails. */
  async function ask(token: string, digest: string): Promise<Verdict> {
    if (asking.size >= maxConcurrent) return undecided(BUSY_RETRY)
    const turn = breaker.enter()
    if (turn === 0) return undecided()
    const verdict = askServer(token, settings)
      .then((answer) => {
        if (typeof answer === 'string') {
          report({ type: 'introspection.failed', failure: answer })
          breaker.failed(turn)
          return undecided()
        }
        breaker.succeeded(turn)
        return decide(readAnswer(answer, rules, clock.now()), token, digest)
      })
      .finally(() => asking.delete(digest))
    asking.set(digest, verdict)
    return verdict
  }

  function decide(result: Identity | Rejected, token: string, digest: string): Accepted | Rejected {
    const verdict = 'verdict' in result ? result : accepted(result)
    if (token.length <= LONGEST_CACHED_TOKEN) cache?.set(digest, verdict, clock.now())
    return verdict
  }
}

/** RFC 6750 2.1. */
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/
const JWT_FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/
