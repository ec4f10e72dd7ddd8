/** Where to listen. */
export interface Address {
  readonly port: number
  readonly host: string
}

/** Whose access tokens a gateway accepts. */
export interface TokenSource {
  readonly issuer: string
  readonly audience: string
  /** Where the issuer publishes its keys. */
  readonly jwks: string
}

/**
 * Reads PORT (default 3000) and HOST (default 127.0.0.1: this machine only).
 *
 * @throws Error when PORT is no port.
 */
export function readAddress(environment: NodeJS.ProcessEnv): Address {
  const { PORT = '3000', HOST = '127.0.0.1' } = environment
  const port = Number(PORT)
  if (!/^\d+$/.test(PORT) || port > 65_535) {
    throw new Error(`PORT must be a number from 0 to 65535; it is '${PORT}'`)
  }
  return { port, host: HOST }
}

/**
 * Reads ISSUER, AUDIENCE and JWKS_URL.
 *
 * @returns undefined when none is set, which is for development on this machine only.
 * @throws Error that names what is missing: in production, or where other machines can connect, anybody could
 *   otherwise be anybody.
 */
export function readTokenSource(environment: NodeJS.ProcessEnv): TokenSource | undefined {
  const { ISSUER: issuer, AUDIENCE: audience, JWKS_URL: jwks } = environment
  if (issuer && audience && jwks) return { issuer, audience, jwks }
  const missing = ['ISSUER', 'AUDIENCE', 'JWKS_URL'].filter((name) => !environment[name])
  if (missing.length === 3 && isDevelopment(environment)) return undefined
  throw new Error(`${missing.join(', ')} must be set; only development on this machine goes without`)
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])

function isDevelopment(environment: NodeJS.ProcessEnv): boolean {
  return environment['NODE_ENV'] !== 'production' && LOOPBACK.has(readAddress(environment).host)
}
