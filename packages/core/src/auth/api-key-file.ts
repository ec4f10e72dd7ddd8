import { readFileSync, type Stats, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { type Clock, systemClock } from '../clock.js'
import { type Duration, milliseconds } from '../duration.js'
import { teller } from '../observer.js'
import { checkFunction, checkInteger, checkKnown, checkMethods, checkText } from '../options.js'
import { memoryApiKeys } from './api-key-memory.js'
import type { ApiKeyLookup, ApiKeyRecord } from './api-key-record.js'

/** Settings of `fileApiKeys`. */
export interface FileApiKeysOptions {
  /** How often the file is looked at. A change takes effect so much later. Default `'5s'`. */
  readonly every?: Duration
  /** The largest file, in bytes. Default 8 MiB. */
  readonly maxBytes?: number
  /** Told what was read and what could not be. Default: nobody is. */
  readonly onEvent?: (event: ApiKeyFileEvent) => void
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** What `fileApiKeys` tells. It never holds a record. */
export type ApiKeyFileEvent =
  | { readonly type: 'api-keys.loaded'; readonly keys: number }
  /** The last good list holds. Told once for each state of the file. */
  | { readonly type: 'api-keys.failed'; readonly failure: 'unreadable' | 'too-large' | 'malformed' }

/** Looks keys up in a file's last good list. */
export interface FileApiKeys extends ApiKeyLookup {
  /** Ends the looking at the file. */
  close(): void
}

/** The defaults of {@link FileApiKeysOptions}. */
export const FILE_API_KEYS_DEFAULTS = { every: '5s', maxBytes: 8_388_608 } as const

/**
 * Looks API keys up in a JSON file: a list of records. The file is read now, and again when it changed. A file that is
 * broken or away keeps the last good list.
 *
 * @throws TypeError when the file can't be used now: a service that knows no keys should not start.
 */
export function fileApiKeys(path: string, options: FileApiKeysOptions = {}): FileApiKeys {
  const { every, maxBytes, report, clock } = checkOptions(path, options)
  let state = stateOf(statSync(path))
  if (state.size > maxBytes) throw new TypeError('fileApiKeys: the file is larger than maxBytes')
  let keys = read(readFileSync(path, 'utf8'))
  let told = ''
  let cancel = clock.after(every, look)
  let open = true

  const lookup: ApiKeyLookup = (query) => keys(query)
  return Object.assign(lookup, {
    close() {
      open = false
      cancel()
    },
  })

  function look(): void {
    void reload().then(() => {
      if (open) cancel = clock.after(every, look)
    })
  }

  async function reload(): Promise<void> {
    const before = await stat(path).then(stateOf, () => undefined)
    if (before === undefined) return failed('unreadable', 'away')
    if (before.text === state.text) {
      told = ''
      return
    }
    if (before.size > maxBytes) return failed('too-large', before.text)
    const text = await readFile(path, 'utf8').catch(() => undefined)
    const after = await stat(path).then(stateOf, () => undefined)
    // It is being written: the next look finds it whole.
    if (text === undefined || after?.text !== before.text) return
    try {
      keys = read(text)
      state = before
      told = ''
    } catch {
      failed('malformed', before.text)
      return
    }
    report({ type: 'api-keys.loaded', keys: keys.size })
  }

  function failed(failure: 'unreadable' | 'too-large' | 'malformed', about: string): void {
    if (told === `${failure} ${about}`) return
    told = `${failure} ${about}`
    report({ type: 'api-keys.failed', failure })
  }
}

/** @throws when it is no list of records. The text is never quoted. */
function read(text: string): ReturnType<typeof memoryApiKeys> {
  let records: unknown
  try {
    records = JSON.parse(text)
  } catch {
    throw new TypeError('fileApiKeys: the file is not JSON')
  }
  if (!Array.isArray(records)) throw new TypeError('fileApiKeys: the file must hold a list of records')
  return memoryApiKeys(records as ApiKeyRecord[])
}

interface FileState {
  readonly size: number
  /** Equal while the file is the same. */
  readonly text: string
}

function stateOf({ ino, size, mtimeMs, ctimeMs }: Stats): FileState {
  return { size, text: `${ino} ${size} ${mtimeMs} ${ctimeMs}` }
}

function checkOptions(path: string, options: FileApiKeysOptions) {
  checkText('fileApiKeys: path', path)
  checkKnown('fileApiKeys', options, ['every', 'maxBytes', 'onEvent', 'clock'])
  const all = { ...FILE_API_KEYS_DEFAULTS, clock: systemClock, ...options }
  if (all.onEvent !== undefined) checkFunction('fileApiKeys: onEvent', all.onEvent)
  checkMethods('fileApiKeys: clock', all.clock, ['now', 'after'])
  checkInteger('fileApiKeys: maxBytes', all.maxBytes)
  const { maxBytes, clock } = all
  return {
    maxBytes,
    clock,
    report: teller(all.onEvent),
    every: milliseconds('fileApiKeys: every', all.every),
  }
}
