import {
  API_KEY_DEFAULTS,
  AUTHENTICATE_DEFAULTS,
  BASIC_DEFAULTS,
  CACHE_DEFAULTS,
  DPOP_DEFAULTS,
  EXPIRY_DEFAULTS,
  FAILURE_DEFAULTS,
  FILE_API_KEYS_DEFAULTS,
  HTTP_SIGNATURE_DEFAULTS,
  IDEMPOTENCY_DEFAULTS,
  INTROSPECTION_DEFAULTS,
  JWT_DEFAULTS,
  MEMORY_CACHE_DEFAULTS,
  MEMORY_IDEMPOTENCY_DEFAULTS,
  MEMORY_REPLAY_DEFAULTS,
  REMOTE_JWKS_DEFAULTS,
  REVOCATION_LIST_DEFAULTS,
  SERVE_DEFAULTS,
  WEBHOOK_SIGNATURE_DEFAULTS,
} from '@headgate/core'
import { REDIS_REPLAY_DEFAULTS } from '@headgate/core/redis'
import { GRAPHQL_DEFAULTS } from '@headgate/graphql-adapter'
import { OPERATION_DEFAULTS } from '@headgate/rest-adapter'
import { describe, expect, test } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const packages = join(import.meta.dirname, '../../packages')

const SOURCES = readdirSync(packages).flatMap((name) =>
  readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(packages, name, 'src', file), 'utf8')),
)

const { feed, ...revocationList } = REVOCATION_LIST_DEFAULTS
const { nonce: _nonce, ...dpop } = DPOP_DEFAULTS
const { documents, ...graphql } = GRAPHQL_DEFAULTS
const { maxEntriesPerSource } = REDIS_REPLAY_DEFAULTS

/** Page, heading of the section with the table, interface, defaults. The rate limits' own tests hold their page. */
const TABLES: readonly (readonly [string, string, string, Readonly<Record<string, unknown>>])[] = [
  ['../README.md', '## Compose', 'GateOptions', {}],
  ['../README.md', '### Requests without a channel', 'Declaration', {}],
  ['../README.md', '### Requests without a channel', 'OperationHints', {}],
  ['auth.md', '### `authenticate(schemes, options)`', 'AuthenticateOptions', AUTHENTICATE_DEFAULTS],
  ['auth.md', '### Guessing', 'FailureOptions', FAILURE_DEFAULTS],
  ['auth.md', '## Telling clients where to get a token', 'ProtectedResourceOptions', {}],
  ['auth.md', '## `jwt(options)`', 'JwtOptions', JWT_DEFAULTS],
  ['auth.md', '### `remoteJwks(url, options)`', 'RemoteJwksOptions', REMOTE_JWKS_DEFAULTS],
  ['auth.md', '## `introspection(options)`', 'IntrospectionOptions', INTROSPECTION_DEFAULTS],
  ['api-keys.md', '## `apiKey(options)`', 'ApiKeyOptions', API_KEY_DEFAULTS],
  ['api-keys.md', '## Where records are', 'FileApiKeysOptions', FILE_API_KEYS_DEFAULTS],
  ['auth.md', '## Revocation', 'RevocationListOptions', revocationList],
  ['auth.md', '## Revocation', 'RevocationFeed', feed],
  ['auth.md', '## `basic(options)`', 'BasicOptions', BASIC_DEFAULTS],
  ['signatures.md', '## `dpop(options)`', 'DpopOptions', dpop],
  ['signatures.md', '## `httpSignature(options)`', 'HttpSignatureOptions', HTTP_SIGNATURE_DEFAULTS],
  ['signatures.md', '## `webhookSignature(options)`', 'WebhookSignatureOptions', WEBHOOK_SIGNATURE_DEFAULTS],
  ['signatures.md', '## Replay stores', 'MemoryReplayStoreOptions', MEMORY_REPLAY_DEFAULTS],
  ['idempotency.md', '## Options', 'IdempotencyOptions', IDEMPOTENCY_DEFAULTS],
  ['idempotency.md', '## Options', 'MemoryIdempotencyStoreOptions', MEMORY_IDEMPOTENCY_DEFAULTS],
  ['caching.md', '## Options', 'CacheOptions', CACHE_DEFAULTS],
  ['caching.md', '## Options', 'MemoryCacheStoreOptions', MEMORY_CACHE_DEFAULTS],
  ['caching.md', '## The rule of an operation', 'CacheRule', {}],
  ['redis.md', '## Stores', 'RedisStoreOptions', { prefix: REDIS_REPLAY_DEFAULTS.prefix }],
  ['redis.md', '## What may be used once', 'RedisReplayStoreOptions', { maxEntriesPerSource }],
  ['serve.md', '## Options', 'ServeOptions', SERVE_DEFAULTS],
  ['serve.md', '## Options', 'ServeOnOptions', {}],
  ['rest-adapter.md', '## The three functions', 'RestOptions', {}],
  ['rest-adapter.md', '## A declaration', 'OperationDeclaration', OPERATION_DEFAULTS],
  ['rest-adapter.md', '## A declaration', 'Declaration', {}],
  ['graphql-adapter.md', '## Rules', 'Declaration', {}],
  ['graphql-adapter.md', '## Rules', 'RootFieldRule', {}],
  ['graphql-adapter.md', '## What a query costs', 'ObjectCosts', {}],
  ['graphql-adapter.md', '## What a query costs', 'ListSize', {}],
]

/** Options of an option: their rows have its name before theirs. */
const INNER: readonly (readonly [string, string, string, string, Readonly<Record<string, unknown>>])[] = [
  ['security.md', '## When a credential ends', 'ExpiryOptions', 'expiry.', EXPIRY_DEFAULTS],
  ['graphql-adapter.md', '## Options', 'DocumentCacheBounds', 'documents.', documents],
]

describe('each table', () => {
  test.each(TABLES)('docs/%s, %s has every option of %s', (page, heading, owner) => {
    const named = namesIn(sectionOf(page, heading))
    expect(membersOf(owner).filter((option) => !named.has(option))).toEqual([])
  })

  test.each(INNER)('docs/%s, %s has every option of %s', (page, heading, owner, prefix) => {
    const named = namesIn(sectionOf(page, heading))
    expect(membersOf(owner).filter((option) => !named.has(`${prefix}${option}`))).toEqual([])
  })

  test('of graphql() has every option', () => {
    const named = namesIn(sectionOf('graphql-adapter.md', '## Options'))
    const missing = membersOf('GraphqlOptions').filter((option) => !named.has(option))
    // Its members have rows of their own.
    expect(missing).toEqual(['documents'])
  })
})

const ROWS = [
  ...TABLES.map((table) => [table[0], table[1], '', table[3]] as const),
  ...INNER.map((table) => [table[0], table[1], table[3], table[4]] as const),
  ['graphql-adapter.md', '## Options', '', graphql] as const,
].flatMap(([page, heading, prefix, defaults]) =>
  Object.entries(defaults).map(([option, value]) => ({ page, heading, option: prefix + option, value })),
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

/** The members of an exported interface, its own only. */
function membersOf(owner: string): string[] {
  const source = SOURCES.find((text) => text.includes(`export interface ${owner}`)) ?? ''
  const [, body = ''] =
    new RegExp(`export interface ${owner}\\b[^{]*\\{\n([\\s\\S]*?)\n\\}`).exec(source) ?? []
  const members = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member = '']) => member)
  expect(members).not.toEqual([])
  return members
}

/** Names in the first cells of a section's tables. */
function namesIn(section: string): Set<string> {
  const cells = [...section.matchAll(/^\| ([^|]+)\|/gm)].map(([, cell = '']) => cell)
  return new Set(cells.flatMap((cell) => [...cell.matchAll(/`([\w.]+)`/g)].map(([, name = '']) => name)))
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
