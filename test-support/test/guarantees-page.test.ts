import {
  API_KEY_DEFAULTS,
  BASIC_DEFAULTS,
  CONCURRENCY_DEFAULTS,
  DPOP_DEFAULTS,
  type Duration,
  EXPIRY_DEFAULTS,
  FILE_API_KEYS_DEFAULTS,
  HOT_DENY_DEFAULTS,
  HTTP_SIGNATURE_DEFAULTS,
  IDEMPOTENCY_DEFAULTS,
  INTROSPECTION_DEFAULTS,
  JWT_DEFAULTS,
  LEASE_DEFAULTS,
  MEMORY_CACHE_DEFAULTS,
  MEMORY_IDEMPOTENCY_DEFAULTS,
  MEMORY_RATE_LIMIT_DEFAULTS,
  MEMORY_REPLAY_DEFAULTS,
  milliseconds,
  RATE_LIMIT_DEFAULTS,
  REMOTE_JWKS_DEFAULTS,
  REVOCATION_LIST_DEFAULTS,
  SERVE_DEFAULTS,
  WEBHOOK_SIGNATURE_DEFAULTS,
} from '@headgate/core'
import { REDIS_GUARD_DEFAULTS } from '@headgate/core/redis'
import { GRAPHQL_DEFAULTS } from '@headgate/graphql-adapter'
import { expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const page = readFileSync(join(import.meta.dirname, '../../docs/guarantees.md'), 'utf8')
const kept = page.slice(page.indexOf('## What is kept'), page.indexOf('## How long things take'))
const times = page.slice(page.indexOf('## How long things take'), page.indexOf('## What is not'))

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function size(bytes: number): string {
  return bytes >= 1_048_576 ? `${bytes / 1_048_576} MiB` : `${bytes / 1_024} KiB`
}

/** What a row says, beginning with its first words. */
const ROWS: readonly (readonly [string, readonly string[]])[] = [
  ['budgets', [count(MEMORY_RATE_LIMIT_DEFAULTS.maxEntries)]],
  ['slots', [count(MEMORY_RATE_LIMIT_DEFAULTS.maxEntries)]],
  ['blocks', [count(MEMORY_RATE_LIMIT_DEFAULTS.maxEntries)]],
  ['denials', [count(HOT_DENY_DEFAULTS.maxEntries)]],
  ['units taken ahead', [count(LEASE_DEFAULTS.maxEntries)]],
  [
    'idempotency keys',
    [count(MEMORY_IDEMPOTENCY_DEFAULTS.maxEntries), size(MEMORY_IDEMPOTENCY_DEFAULTS.maxBytes)],
  ],
  [
    'ids that may be used once',
    [count(MEMORY_REPLAY_DEFAULTS.maxEntries), count(MEMORY_REPLAY_DEFAULTS.maxEntriesPerSource)],
  ],
  ['revocations', [count(REVOCATION_LIST_DEFAULTS.maxEntries)]],
  ['answers', [size(MEMORY_CACHE_DEFAULTS.maxBytes), count(MEMORY_CACHE_DEFAULTS.maxVariants)]],
  ['invalidated tags', [count(MEMORY_CACHE_DEFAULTS.maxTags)]],
  ['good tokens', [count(JWT_DEFAULTS.cache.maxEntries), count(INTROSPECTION_DEFAULTS.cache.maxEntries)]],
  ['API keys', [count(API_KEY_DEFAULTS.cache.maxEntries), count(BASIC_DEFAULTS.maxRemembered)]],
  ["an issuer's keys", [size(REMOTE_JWKS_DEFAULTS.maxBytes)]],
  [
    'GraphQL documents',
    [count(GRAPHQL_DEFAULTS.documents.maxEntries), size(GRAPHQL_DEFAULTS.documents.maxBytes)],
  ],
  ['connections', [count(SERVE_DEFAULTS.maxConnections)]],
]

test.each(ROWS)('docs/guarantees.md says how much is kept: %s', (start, numbers) => {
  const row = kept.split('\n').find((line) => line.startsWith(`| ${start}`)) ?? ''
  for (const number of numbers) expect(row).toContain(number)
})

/** The sum of durations in seconds. */
function seconds(...durations: readonly Duration[]): string {
  return String(durations.reduce<number>((sum, one) => sum + milliseconds('bound', one), 0) / 1_000)
}

const { feed } = REVOCATION_LIST_DEFAULTS

/** What a row says, beginning with its first words. */
const BOUNDS: readonly (readonly [string, readonly string[]])[] = [
  ['a token stops working after its `exp`', [seconds(JWT_DEFAULTS.clockTolerance)]],
  [
    'a token stops working after its key',
    [
      seconds(REMOTE_JWKS_DEFAULTS.maxAge, REMOTE_JWKS_DEFAULTS.deadline),
      seconds(REMOTE_JWKS_DEFAULTS.maxAge, REMOTE_JWKS_DEFAULTS.maxStale, REMOTE_JWKS_DEFAULTS.deadline),
    ],
  ],
  ['a new key of an issuer', [seconds(REMOTE_JWKS_DEFAULTS.cooldown, REMOTE_JWKS_DEFAULTS.deadline)]],
  ['an opaque token', [seconds(INTROSPECTION_DEFAULTS.cache.ttl, INTROSPECTION_DEFAULTS.deadline)]],
  [
    'an API key stops working',
    [seconds(FILE_API_KEYS_DEFAULTS.every), seconds(API_KEY_DEFAULTS.cache.ttl, API_KEY_DEFAULTS.deadline)],
  ],
  ['a credential stops working after `revoke()`', [seconds(feed.every, feed.deadline, feed.deadline)]],
  [
    'a proof of a bound token',
    [
      seconds(DPOP_DEFAULTS.maxAge, DPOP_DEFAULTS.clockTolerance),
      seconds(DPOP_DEFAULTS.nonce.lifetime, DPOP_DEFAULTS.nonce.lifetime),
    ],
  ],
  [
    'a signature can be used',
    [
      seconds(HTTP_SIGNATURE_DEFAULTS.maxAge, HTTP_SIGNATURE_DEFAULTS.clockTolerance),
      seconds(WEBHOOK_SIGNATURE_DEFAULTS.tolerance),
    ],
  ],
  ['a stream goes on', [seconds(EXPIRY_DEFAULTS.tolerance, '1s')]],
  [
    'a request waits for a key set',
    [REMOTE_JWKS_DEFAULTS, INTROSPECTION_DEFAULTS, API_KEY_DEFAULTS, DPOP_DEFAULTS].map(({ deadline }) =>
      seconds(deadline),
    ),
  ],
  [
    'a request waits for Redis',
    [seconds(REDIS_GUARD_DEFAULTS.deadline), seconds(REDIS_GUARD_DEFAULTS.cooldown)],
  ],
  ['a refund, a raised limit', [seconds(HOT_DENY_DEFAULTS.ttl)]],
  ['a block takes hold with `leases`', [seconds(LEASE_DEFAULTS.ttl)]],
  ['slots of a process that died', [seconds(CONCURRENCY_DEFAULTS.lease)]],
  ['a request may run and still be settled', [seconds(RATE_LIMIT_DEFAULTS.settleWithin)]],
  ['a claim whose process died', [seconds(IDEMPOTENCY_DEFAULTS.lease)]],
  ['a finished write', [seconds(IDEMPOTENCY_DEFAULTS.retention)]],
  [
    'a client may take',
    [
      seconds(SERVE_DEFAULTS.headersTimeout, '1s'),
      seconds(SERVE_DEFAULTS.requestTimeout, '1s'),
      seconds(SERVE_DEFAULTS.writeTimeout),
    ],
  ],
  ['a server ends', [seconds(SERVE_DEFAULTS.grace, '1s')]],
]

test.each(BOUNDS)('docs/guarantees.md says how long it takes: %s', (start, numbers) => {
  const row = times.split('\n').find((line) => line.startsWith(`| ${start}`)) ?? ''
  const said = (row.split('|')[2] ?? '').match(/\d+(?:\.\d+)?/g) ?? []
  expect(said).toEqual(expect.arrayContaining([...numbers]))
})
