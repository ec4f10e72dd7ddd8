import { randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { checkText } from '../options.js'
import { apiKeyDigest } from './api-key-digest.js'

/** A new key, and what to keep of it. */
export interface IssuedApiKey {
  /** `<prefix>_<key id>_<secret><checksum>`. Show it once; do not keep it. */
  readonly key: string
  /** Names the key in records and events. Not a secret. */
  readonly keyId: string
  /** Under which its record is found. */
  readonly digest: string
}

/** 71 random bits: ids do not meet, nor do they say how many there are. */
const ID_LENGTH = 12
/** 190 random bits. */
const SECRET_LENGTH = 32
/** 62^6 is more than 2^32. */
const CHECKSUM_LENGTH = 6

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PREFIX = /^[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*$/
const REST = new RegExp(
  `^([0-9A-Za-z]{${ID_LENGTH}})_[0-9A-Za-z]{${SECRET_LENGTH}}([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`,
)

/**
 * Makes an API key that tools can tell from other text: by its prefix and its checksum. Letters, digits and underscores
 * only: a double click selects it whole.
 *
 * @throws TypeError when the prefix has other characters, or more than 32.
 */
export function createApiKey(prefix: string): IssuedApiKey {
  checkPrefix('createApiKey: prefix', prefix)
  const keyId = randomText(ID_LENGTH)
  const body = `${prefix}_${keyId}_${randomText(SECRET_LENGTH)}`
  const key = body + checksumOf(body)
  return { key, keyId, digest: apiKeyDigest(key) }
}

/** @throws TypeError that names the option. */
export function checkPrefix(option: string, prefix: unknown): string {
  const text = checkText(option, prefix)
  if (PREFIX.test(text) && text.length <= 32) return text
  throw new TypeError(`${option} must be letters and digits, in parts joined by '_', at most 32 characters`)
}

/**
 * Reads a key that begins with our prefix.
 *
 * @returns its id; `foreign` when it begins otherwise; `broken` when it is none that was made by {@link createApiKey}.
 */
export function readApiKey(key: string, prefix: string): { readonly id: string } | 'foreign' | 'broken' {
  if (!key.startsWith(`${prefix}_`)) return 'foreign'
  const [, id, checksum] = REST.exec(key.slice(prefix.length + 1)) ?? []
  if (id === undefined || checksum !== checksumOf(key.slice(0, -CHECKSUM_LENGTH))) return 'broken'
  return { id }
}

function randomText(length: number): string {
  return Array.from({ length }, () => DIGITS[randomInt(DIGITS.length)]).join('')
}

/** CRC-32 in base 62: it finds typos and tells scanners what is no key. It protects nothing. */
function checksumOf(body: string): string {
  let rest = crc32(body)
  let text = ''
  for (let position = 0; position < CHECKSUM_LENGTH; position += 1) {
    text = `${DIGITS[rest % DIGITS.length]}${text}`
    rest = Math.floor(rest / DIGITS.length)
  }
  return text
}
