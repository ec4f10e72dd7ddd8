import {
  API_KEY_DEFAULTS,
  AUTHENTICATE_DEFAULTS,
  BASIC_DEFAULTS,
  CACHE_DEFAULTS,
  CONCURRENCY_DEFAULTS,
  DPOP_DEFAULTS,
  EXPIRY_DEFAULTS,
  FAILURE_DEFAULTS,
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
  RATE_LIMIT_DEFAULTS,
  REMOTE_JWKS_DEFAULTS,
  REVOCATION_LIST_DEFAULTS,
  SERVE_DEFAULTS,
  SHED_LOAD_DEFAULTS,
  WEBHOOK_SIGNATURE_DEFAULTS,
} from '@headgate/core'
import { REDIS_GUARD_DEFAULTS, REDIS_REPLAY_DEFAULTS } from '@headgate/core/redis'
import { GRAPHQL_DEFAULTS } from '@headgate/graphql-adapter'
import { OPERATION_DEFAULTS } from '@headgate/rest-adapter'
import { expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const { feed, ...revocationList } = REVOCATION_LIST_DEFAULTS
const { nonce: _nonce, ...dpop } = DPOP_DEFAULTS
const { documents, ...graphql } = GRAPHQL_DEFAULTS
const { maxEntriesPerSource } = REDIS_REPLAY_DEFAULTS

/** Page, heading of the section with the table, defaults. */
const TABLES: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
  ['auth.md', '### `authenticate(schemes, options)`', AUTHENTICATE_DEFAULTS],
  ['auth.md', '### Guessing', FAILURE_DEFAULTS],
  ['auth.md', '## `jwt(options)`', JWT_DEFAULTS],
  ['auth.md', '### `remoteJwks(url, options)`', REMOTE_JWKS_DEFAULTS],
  ['auth.md', '## `introspection(options)`', INTROSPECTION_DEFAULTS],
  ['auth.md', '## `apiKey(options)`', API_KEY_DEFAULTS],
  ['auth.md', '### Where records are', FILE_API_KEYS_DEFAULTS],
  ['auth.md', '## Revocation', revocationList],
  ['auth.md', '## Revocation', feed],
  ['auth.md', '## `basic(options)`', BASIC_DEFAULTS],
  ['signatures.md', '## `dpop(options)`', dpop],
  ['signatures.md', '## `httpSignature(options)`', HTTP_SIGNATURE_DEFAULTS],
  ['signatures.md', '## `webhookSignature(options)`', WEBHOOK_SIGNATURE_DEFAULTS],
  ['signatures.md', '## Replay stores', MEMORY_REPLAY_DEFAULTS],
  ['rate-limiting.md', '## Options', RATE_LIMIT_DEFAULTS],
  ['rate-limiting.md', '## Denials without a round trip', HOT_DENY_DEFAULTS],
  ['rate-limiting.md', '## Fewer round trips', LEASE_DEFAULTS],
  ['rate-limiting.md', '## Requests at the same time', CONCURRENCY_DEFAULTS],
  ['rate-limiting.md', '## Shedding load', SHED_LOAD_DEFAULTS],
  ['rate-limiting.md', '## The store in memory', MEMORY_RATE_LIMIT_DEFAULTS],
  ['idempotency.md', '## Options', IDEMPOTENCY_DEFAULTS],
  ['idempotency.md', '## Options', MEMORY_IDEMPOTENCY_DEFAULTS],
  ['caching.md', '## Options', CACHE_DEFAULTS],
  ['caching.md', '## Options', MEMORY_CACHE_DEFAULTS],
  ['redis.md', '## Options of `guardRedis`', REDIS_GUARD_DEFAULTS],
  ['redis.md', '## Stores', { prefix: REDIS_REPLAY_DEFAULTS.prefix }],
  ['redis.md', '## What may be used once', { maxEntriesPerSource }],
  ['serve.md', '## Options', SERVE_DEFAULTS],
  ['security.md', '## When a credential ends', prefixed('expiry', EXPIRY_DEFAULTS)],
  ['rest-adapter.md', '## A declaration', OPERATION_DEFAULTS],
  ['graphql-adapter.md', '## Options', { ...graphql, ...prefixed('documents', documents) }],
]

const ROWS = TABLES.flatMap(([page, heading, defaults]) =>
  Object.entries(defaults).map(([option, value]) => ({ page, heading, option, value })),
)

test.each(ROWS)('docs/$page, $heading: $option has its default', ({ page, heading, option, value }) => {
  const row = sectionOf(page, heading)
    .split('\n')
    .find((line) => line.startsWith(`| \`${option}\` `))
  const spellings = spellingsOf(value)
  expect(spellings.find((spelling) => row?.includes(spelling)) ?? { row, spellings }).toEqual(
    expect.any(String),
  )
})

function prefixed(owner: string, defaults: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [`${owner}.${name}`, value]))
}

/** From a heading to the next one, whatever its level. */
function sectionOf(page: string, heading: string): string {
  const text = readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8')
  const start = text.indexOf(`\n${heading}\n`)
  expect(start).not.toBe(-1)
  const end = text.indexOf('\n#', start + heading.length)
  return text.slice(start, end === -1 ? undefined : end)
}

/** How a page may write a value: numbers with or without commas, milliseconds with a unit, text in backticks. */
function spellingsOf(value: unknown): string[] {
  if (typeof value === 'string') return [`\`'${value}'\``, `\`${value}\``]
  if (typeof value === 'number') {
    const [plain, grouped] = [String(value), value.toLocaleString('en-US')]
    const durations = [`${plain} ms`, `${value / 1_000} s`, `${value / 60_000} minute`]
    return [plain, `\`${plain}\``, grouped, ...durations].map((text) => `| ${text} `)
  }
  const literal = JSON.stringify(value)
    .replaceAll('"', "'")
    .replaceAll(/([,:])/g, '$1 ')
    .replaceAll(/'(\w+)':/g, '$1:')
    .replaceAll(/\{(.+)\}/g, '{ $1 }')
  const listed = Array.isArray(value) ? [value.join(', ')].filter((text) => text !== '') : []
  return [literal, ...listed]
}
