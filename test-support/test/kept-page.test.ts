import {
  API_KEY_DEFAULTS,
  BASIC_DEFAULTS,
  HOT_DENY_DEFAULTS,
  INTROSPECTION_DEFAULTS,
  JWT_DEFAULTS,
  LEASE_DEFAULTS,
  MEMORY_CACHE_DEFAULTS,
  MEMORY_IDEMPOTENCY_DEFAULTS,
  MEMORY_RATE_LIMIT_DEFAULTS,
  MEMORY_REPLAY_DEFAULTS,
  REMOTE_JWKS_DEFAULTS,
  REVOCATION_LIST_DEFAULTS,
  SERVE_DEFAULTS,
} from '@headgate/core'
import { GRAPHQL_DEFAULTS } from '@headgate/graphql-adapter'
import { expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const page = readFileSync(join(import.meta.dirname, '../../docs/guarantees.md'), 'utf8')
const section = page.slice(page.indexOf('## What is kept'), page.indexOf('## How long things take'))

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
  const row = section.split('\n').find((line) => line.startsWith(`| ${start}`)) ?? ''
  for (const number of numbers) expect(row).toContain(number)
})
