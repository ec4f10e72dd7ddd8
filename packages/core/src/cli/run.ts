import { parseArgs } from 'node:util'
import { createApiKey } from '../auth/api-key-form.js'
import { type ApiKeyRecord, checkRecord } from '../auth/api-key-record.js'
import { type Clock, systemClock } from '../clock.js'
import { milliseconds } from '../duration.js'
import { putCommands } from '../stores/redis/api-key-layout.js'

/** Where the command writes to. */
export interface Output {
  write(text: string): unknown
}

const USAGE = `headgate key --prefix <prefix> --subject <subject> [options]

Makes an API key. Prints the key once, and the record to keep: it holds the key's digest, not the key.

  --prefix      what the key begins with: hg_live
  --subject     whose key it is
  --tenant      the tenant of the subject
  --scope       a scope; may be repeated
  --role        a role; may be repeated
  --tier        the tier of the subject: gold
  --expires-in  how long it is good: 12h, 90d; without it, it never ends
  --redis       instead of the record, the commands that put it into Redis, for redis-cli;
                its value is the prefix of the store: headgate:
`

const OPTIONS = {
  prefix: { type: 'string' },
  subject: { type: 'string' },
  tenant: { type: 'string' },
  scope: { type: 'string', multiple: true },
  role: { type: 'string', multiple: true },
  tier: { type: 'string' },
  'expires-in': { type: 'string' },
  redis: { type: 'string' },
  help: { type: 'boolean' },
} as const

/** One word for `redis-cli`. */
const PREFIX = /^[^\s{}"'\\]+$/

/** Runs the command `headgate`. @returns the exit code: 2 when it was called wrongly. */
export function runHeadgate(
  args: readonly string[],
  out: Output,
  errors: Output,
  clock: Clock = systemClock,
): number {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
    if (values.help === true) {
      out.write(USAGE)
      return 0
    }
    if (positionals.length !== 1 || positionals[0] !== 'key') throw new TypeError("the one command is 'key'")
    const { prefix, subject, tenant, scope, role, tier, redis } = values
    if (prefix === undefined) throw new TypeError('--prefix is required')
    if (subject === undefined || subject === '') throw new TypeError('--subject is required')
    if (redis !== undefined && !PREFIX.test(redis)) {
      throw new TypeError('--redis must be a prefix without spaces, quotes, backslashes and braces')
    }
    const lifetime = values['expires-in']
    const { key, keyId, digest } = createApiKey(prefix)
    const now = clock.now()
    const record: ApiKeyRecord = {
      digest,
      keyId,
      subject,
      ...(tenant !== undefined && { tenant }),
      ...(scope !== undefined && { scopes: scope }),
      ...(role !== undefined && { roles: role }),
      ...(tier !== undefined && { tier }),
      issuedAt: now,
      ...(lifetime !== undefined && { expiresAt: now + milliseconds('--expires-in', lifetime) }),
    }
    checkRecord('the record of --tenant, --scope, --role and --tier', record)
    const kept =
      redis === undefined ? JSON.stringify(record, undefined, 2) : putCommands(redis, record).join('\n')
    out.write(`${key}\n${kept}\n`)
    return 0
  } catch (error) {
    errors.write(`headgate: ${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
}
