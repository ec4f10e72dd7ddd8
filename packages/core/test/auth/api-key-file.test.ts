import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { apiKey } from '../../src/auth/api-key.js'
import { type ApiKeyFileEvent, type FileApiKeys, fileApiKeys } from '../../src/auth/api-key-file.js'
import { createApiKey } from '../../src/auth/api-key-form.js'
import type { ApiKeyRecord } from '../../src/auth/api-key-record.js'
import { literalExchange } from '../../src/testing/exchange.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

const [OLD, NEW] = [createApiKey('hg'), createApiKey('hg')]

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headgate-keys-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('keys in a file', () => {
  test('are known from the start, and rotated without a gap: two live keys of one subject', async () => {
    const { knows, look, keys } = service([recordOf(OLD)])
    expect(await knows(OLD.key)).toBe('bot')
    expect(await knows(NEW.key)).toBe('unknown-key')
    await look([recordOf(OLD), recordOf(NEW)])
    expect([await knows(OLD.key), await knows(NEW.key)]).toEqual(['bot', 'bot'])
    expect(await look([recordOf(NEW)])).toEqual({ type: 'api-keys.loaded', keys: 1 })
    expect([await knows(OLD.key), await knows(NEW.key)]).toEqual(['unknown-key', 'bot'])
    keys.close()
  })

  test('stay known while the file is broken, too large or away, and each is told once', async () => {
    const { knows, look, keys, events, idle } = service([recordOf(OLD)], { maxBytes: 2_000 })
    const broken: readonly [unknown, string][] = [
      ['[', 'malformed'],
      ['{}', 'malformed'],
      [[recordOf(NEW), { ...recordOf(OLD), digest: 'x' }], 'malformed'],
      [[{ ...recordOf(NEW), expiresat: 1 }], 'malformed'],
      [[recordOf(NEW), recordOf(NEW)], 'malformed'],
      [' '.repeat(2_001), 'too-large'],
      [undefined, 'unreadable'],
    ]
    for (const [content, failure] of broken) {
      expect(await look(content)).toEqual({ type: 'api-keys.failed', failure })
      const told = events.length
      await idle()
      expect(events).toHaveLength(told)
      expect([await knows(OLD.key), await knows(NEW.key)]).toEqual(['bot', 'unknown-key'])
    }
    await look([recordOf(NEW)])
    expect([await knows(OLD.key), await knows(NEW.key)]).toEqual(['unknown-key', 'bot'])
    expect(JSON.stringify(events)).not.toContain(NEW.digest)
    keys.close()
  })

  test('are not read again while the file is the same, nor after close', async () => {
    const { keys, events, idle, clock } = service([recordOf(OLD)])
    await idle()
    await idle()
    expect(events).toEqual([])
    expect(clock.pending).toBe(1)
    keys.close()
    expect(clock.pending).toBe(0)
  })
})

test('an observer that throws does not end the looking: what is revoked later must be seen', async () => {
  const path = join(folder, 'keys.json')
  const clock = new ManualClock()
  const { digest, keyId } = createApiKey('hg')
  writeFileSync(path, '[]')
  let told = 0
  const onEvent = (): never => {
    told += 1
    throw new Error('no counter for this event')
  }
  const keys = fileApiKeys(path, { clock, onEvent })
  for (const records of [[recordOf({ digest, keyId })], []]) {
    writeFileSync(path, JSON.stringify(records))
    await clock.advance(5_000)
    for (let turn = 0; clock.pending === 0 && turn < 1_000; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(keys({ digest, id: keyId }) === undefined).toBe(records.length === 0)
  }
  expect(told).toBe(2)
  keys.close()
})

describe('at the start', () => {
  test('a file that can’t be used is an error that quotes nothing', () => {
    const path = join(folder, 'keys.json')
    expect(() => fileApiKeys(path)).toThrow('ENOENT')
    for (const content of ['secret-in-here', '{"secret-in-here":1}', '[{"digest":"secret-in-here"}]']) {
      writeFileSync(path, content)
      expect(() => fileApiKeys(path)).toThrow(TypeError)
      expect(() => fileApiKeys(path)).not.toThrow('secret-in-here')
    }
    writeFileSync(path, '[]')
    expect(() => fileApiKeys(path, { maxBytes: 1 })).toThrow(/maxBytes/)
    expect(() => fileApiKeys(path, { every: 0 })).toThrow('fileApiKeys: every')
    expect(() => fileApiKeys(path, { interval: 1 } as never)).toThrow('interval')
    expect(() => fileApiKeys('')).toThrow('fileApiKeys: path')
  })
})

interface Service {
  readonly keys: FileApiKeys
  readonly clock: ManualClock
  readonly events: ApiKeyFileEvent[]
  /** The subject of a key, or why it is refused. */
  readonly knows: (key: string) => Promise<string>
  /** Changes the file and lets it be looked at; gives what was told. */
  readonly look: (content: unknown) => Promise<ApiKeyFileEvent | undefined>
  /** Lets the file be looked at. */
  readonly idle: () => Promise<void>
}

function service(records: readonly ApiKeyRecord[], options: { maxBytes?: number } = {}): Service {
  const path = join(folder, 'keys.json')
  const clock = new ManualClock()
  const events: ApiKeyFileEvent[] = []
  writeFileSync(path, JSON.stringify(records))
  const keys = fileApiKeys(path, { ...options, clock, onEvent: (event) => void events.push(event) })
  const scheme = apiKey({ lookup: keys, prefix: 'hg', clock })
  const idle = async (): Promise<void> => {
    await clock.advance(5_000)
    // The next look is planned when this one has ended.
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    keys,
    clock,
    events,
    async knows(key) {
      const verdict = await scheme.verify(key, literalExchange())
      if (verdict.verdict === 'accepted') return verdict.identity.subject
      return verdict.verdict === 'rejected' ? verdict.reason : verdict.verdict
    },
    idle,
    async look(content) {
      const told = events.length
      if (content === undefined) rmSync(path)
      else writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
      await idle()
      return events[told]
    },
  }
}

function recordOf({ digest, keyId }: { digest: string; keyId: string }): ApiKeyRecord {
  return { digest, keyId, subject: 'bot', scopes: ['items:read'] }
}
