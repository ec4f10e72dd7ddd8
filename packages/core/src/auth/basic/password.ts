import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from 'node:crypto'

/** Makes a key from a password, off the main thread. */
export type DeriveKey = (
  password: Buffer,
  salt: Buffer,
  length: number,
  options: ScryptOptions,
) => Promise<Buffer>

/** `N` = 2^15, 32 MiB: about 70 ms. OWASP's least for scrypt is twice that for passwords of the public. */
const COST = { ln: 15, r: 8, p: 1 } as const
const SALT_BYTES = 16
const KEY_BYTES = 32

/** What a hash may cost at the most: it is read from a store. */
const MOST_MEMORY = 128 * 2 ** 17 * 8

/** Stands in for an unknown user's hash: comparing takes the same work. No password has it. */
export const NO_PASSWORD = format(COST, Buffer.alloc(SALT_BYTES), Buffer.alloc(KEY_BYTES))

/** Makes what is kept of a password: scrypt in the PHC string format, with a new salt. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  return format(COST, salt, await deriveKey(Buffer.from(password), salt, KEY_BYTES, optionsOf(COST)))
}

/** Whether `text` is what {@link hashPassword} makes. */
export function isPasswordHash(text: unknown): text is string {
  return typeof text === 'string' && parse(text) !== undefined
}

/** Whether a password is the one of a hash. Constant-time. */
export async function isPasswordOf(password: string, hash: string, derive: DeriveKey): Promise<boolean> {
  const parsed = parse(hash)
  if (parsed === undefined) throw new TypeError('basic: not a password hash')
  const key = await derive(Buffer.from(password), parsed.salt, parsed.key.length, optionsOf(parsed))
  return timingSafeEqual(key, parsed.key)
}

/** scrypt of Node, in its pool of threads. */
export const deriveKey: DeriveKey = (password, salt, length, options) =>
  new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })

interface Cost {
  /** Logarithm of `N`. */
  readonly ln: number
  readonly r: number
  readonly p: number
}

function optionsOf({ ln, r, p }: Cost): ScryptOptions {
  return { N: 2 ** ln, r, p, maxmem: 2 * 128 * 2 ** ln * r * p }
}

function format({ ln, r, p }: Cost, salt: Buffer, key: Buffer): string {
  const [saltText, keyText] = [salt, key].map((bytes) => bytes.toString('base64').replace(/=+$/, ''))
  return `$scrypt$ln=${ln},r=${r},p=${p}$${saltText}$${keyText}`
}

const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,86})\$([A-Za-z0-9+/]{43,86})$/

function parse(text: string): (Cost & { salt: Buffer; key: Buffer }) | undefined {
  const match = PHC.exec(text)
  if (match === null) return undefined
  const [ln = 0, r = 0, p = 0] = match.slice(1, 4).map(Number)
  if (ln < 1 || r < 1 || p < 1 || 128 * 2 ** ln * r * p > MOST_MEMORY) return undefined
  const [salt, key] = match.slice(4).map((part) => Buffer.from(part, 'base64'))
  return salt && key && { ln, r, p, salt, key }
}
