import type { Access, Operation } from '../operation.js'
import { teller } from '../observer.js'
import { checkChoice, checkFunction, checkKnown, checkMethods, checkText } from '../options.js'
import { type FailureLimit, type FailureOptions, failureLimit } from './failures.js'
import type { Identity } from './identity.js'
import type { ProtectedResource } from './protected-resource.js'
import type { Scheme } from './scheme.js'

/** Settings of `authenticate`. */
export interface AuthenticateOptions {
  /** The mode of operations that name none. Default `required`. */
  readonly mode?: NonNullable<Access['mode']>
  /** The realm of every challenge. Printable ASCII without `"` and `\`. Default `api`. */
  readonly realm?: string
  /**
   * Authentication schemes in `Authorization` that count as not sent, for a proxy in front that uses the field for
   * itself: `['basic']`. Default: none.
   */
  readonly ignore?: readonly string[]
  /**
   * Bad credentials are charged to the client's address, before the answer leaves. An address that has used up its
   * failures gets 429, and its credentials are not looked at. Default: no limit.
   */
  readonly failures?: FailureOptions
  /**
   * Whether a caller may run an operation, asked last and about everybody: also about the anonymous identity where no
   * credential is needed. False is 403, or 401 where nobody is named; a throw is 503. Default: everyone may.
   */
  readonly can?: (identity: Identity, operation: Operation) => boolean | PromiseLike<boolean>
  /**
   * The protected resource that challenges name in `resource_metadata`, so that clients find out where to get a token,
   * and with which scopes. Default: none.
   */
  readonly resource?: Pick<ProtectedResource, 'metadataUrl'>
  /**
   * Gets what a scheme or `can` threw; the client gets 503. The scheme is the one that read the credential, if one did.
   * What it throws itself changes nothing. Default: nobody does.
   */
  readonly onError?: (error: unknown, scheme: Scheme | undefined) => void
}

/** The defaults of {@link AuthenticateOptions}. */
export const AUTHENTICATE_DEFAULTS = { mode: 'required', realm: 'api', ignore: [] } as const

/** Settings that were checked. */
export type AuthenticateSettings = Required<Pick<AuthenticateOptions, 'mode' | 'realm' | 'ignore'>> &
  Pick<AuthenticateOptions, 'can' | 'resource'> & {
    readonly failures: FailureLimit | undefined
    /** Never throws. */
    readonly onError: NonNullable<AuthenticateOptions['onError']>
  }

/** @throws TypeError that names the option. */
export function checkOptions(options: AuthenticateOptions): AuthenticateSettings {
  checkKnown('authenticate', options, ['mode', 'realm', 'ignore', 'can', 'failures', 'resource', 'onError'])
  const checked = { ...AUTHENTICATE_DEFAULTS, ...options }
  checkChoice('authenticate: mode', checked.mode, ['required', 'optional', 'anonymous'])
  checkText('authenticate: realm', checked.realm)
  if (!Array.isArray(checked.ignore)) throw new TypeError('authenticate: ignore must be an array')
  checked.ignore.forEach((name, index) => checkText(`authenticate: ignore[${index}]`, name))
  if (checked.resource !== undefined) {
    checkText('authenticate: resource.metadataUrl', checked.resource.metadataUrl)
  }
  if (checked.can !== undefined) checkFunction('authenticate: can', checked.can)
  if (checked.onError !== undefined) checkFunction('authenticate: onError', checked.onError)
  const failures = options.failures === undefined ? undefined : failureLimit(options.failures)
  return { ...checked, failures, onError: teller(checked.onError) }
}

/** @throws TypeError that names the scheme. */
export function checkSchemes(schemes: readonly Scheme[], ignore: readonly string[]): void {
  if (!Array.isArray(schemes) || schemes.length === 0) {
    throw new TypeError('authenticate: schemes must be an array with at least one scheme')
  }
  schemes.forEach((scheme: Scheme, index) => {
    const option = `authenticate: schemes[${index}]`
    checkMethods(option, scheme, ['verify'])
    checkText(`${option}.name`, scheme.name)
    checkText(
      `${option}.challenge.authScheme`,
      (scheme.challenge as Scheme['challenge'] | undefined)?.authScheme,
    )
    const { field, authScheme, companions = [] } = (scheme.credential ?? {}) as Partial<Scheme['credential']>
    checkText(`${option}.credential.field`, field)
    if (field !== field?.toLowerCase()) throw new TypeError(`${option}.credential.field must be lower case`)
    if (
      !Array.isArray(companions) ||
      companions.some((name) => typeof name !== 'string' || /[A-Z]/.test(name))
    ) {
      throw new TypeError(`${option}.credential.companions must be an array of lower-case field names`)
    }
    if (companions.length > 0 && field === 'authorization') {
      throw new TypeError(`${option}.credential.companions can not be given for 'authorization'`)
    }
    if ((field === 'authorization') !== (authScheme !== undefined)) {
      throw new TypeError(`${option}.credential.authScheme must be given for 'authorization', and only there`)
    }
    if (ignore.some((name) => name.toLowerCase() === authScheme?.toLowerCase())) {
      throw new TypeError(`${option} reads '${authScheme}', which ignore leaves out`)
    }
  })
}
