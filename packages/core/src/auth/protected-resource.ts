import type { Policy } from '../exchange.js'
import { checkKnown, checkText } from '../options.js'
import type { Answer } from '../reply.js'
import { checkEndpoint } from './endpoint.js'

/** What a protected resource says of itself (RFC 9728 2). */
export interface ProtectedResourceOptions {
  /**
   * The URL that clients call, exactly as they know it: they compare it byte by byte. `https:`, without query and
   * fragment. Required.
   */
  readonly resource: string
  /** Issuers whose tokens are taken: `https:` URLs. Required. */
  readonly authorizationServers: readonly string[]
  /** Scopes that clients may ask for. Default: not said. */
  readonly scopes?: readonly string[]
  /**
   * Tokens that are bound to a key are taken (`dpop`), with proofs by these algorithms; `required`: no others are.
   * Default: not said.
   */
  readonly dpop?: { readonly algorithms: readonly string[]; readonly required?: boolean }
  /** For people. Default: not said. */
  readonly name?: string
  /** A page for developers. Default: not said. */
  readonly documentation?: string
  /** Plain `http:` on this machine, for development. Default `false`. */
  readonly allowLoopback?: boolean
}

/**
 * Answers with the metadata of a protected resource. It stands first in a gate: whoever has no token yet must be able to
 * read it. Give it to `authenticate` as `resource`, and challenges name it.
 */
export interface ProtectedResource extends Policy {
  /** Where the metadata is: the value of `resource_metadata`. */
  readonly metadataUrl: string
  /** The metadata. */
  readonly metadata: Readonly<Record<string, unknown>>
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/**
 * Makes the metadata of a protected resource (RFC 9728), from the configuration alone: nothing of a request is in it.
 *
 * @throws TypeError that names the option.
 */
export function protectedResource(options: ProtectedResourceOptions): ProtectedResource {
  const { origin, pathname } = checkOptions(options)
  const { resource, authorizationServers, scopes, dpop, name, documentation } = options
  const metadata = Object.freeze({
    resource,
    authorization_servers: Object.freeze([...authorizationServers]),
    // Tokens in the query or in a form body are never read.
    bearer_methods_supported: Object.freeze(['header']),
    ...(scopes !== undefined && { scopes_supported: Object.freeze([...scopes]) }),
    ...(dpop !== undefined && {
      dpop_signing_alg_values_supported: Object.freeze([...dpop.algorithms]),
      dpop_bound_access_tokens_required: dpop.required ?? false,
    }),
    ...(name !== undefined && { resource_name: name }),
    ...(documentation !== undefined && { resource_documentation: documentation }),
  })
  // RFC 9728 3.1: between host and path, and without a slash at the end of the host alone.
  const path = `${WELL_KNOWN}${pathname === '/' ? '' : pathname}`
  const answer: Answer = {
    kind: 'answer',
    status: 200,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'public, max-age=3600',
      // It is for everybody, also for clients in browsers.
      'access-control-allow-origin': '*',
    },
    body: Buffer.from(JSON.stringify(metadata)),
  }

  return {
    name: 'protected-resource',
    metadata,
    metadataUrl: `${origin}${path}`,
    handle(exchange, next) {
      const isRead = exchange.method === 'GET' || exchange.method === 'HEAD'
      // Some clients look for it at the root alone.
      const isAsked = isRead && (exchange.path === path || exchange.path === WELL_KNOWN)
      return isAsked ? Promise.resolve(answer) : next()
    },
  }
}

function checkOptions(options: ProtectedResourceOptions): URL {
  checkKnown('protectedResource', options, KNOWN)
  const { resource, authorizationServers, scopes, dpop, name, documentation } = options
  const { allowLoopback = false } = options
  const url = new URL(checkEndpoint('protectedResource: resource', resource, allowLoopback))
  if (resource.includes('?') || resource.includes('#')) {
    throw new TypeError('protectedResource: resource must have no query and no fragment')
  }
  checkList('protectedResource: authorizationServers', authorizationServers, (option, server) =>
    checkEndpoint(option, server, allowLoopback),
  )
  if (scopes !== undefined) checkList('protectedResource: scopes', scopes, checkText)
  if (dpop !== undefined) {
    checkKnown('protectedResource: dpop', dpop, ['algorithms', 'required'])
    checkList('protectedResource: dpop.algorithms', dpop.algorithms, checkText)
    if (typeof (dpop.required ?? false) !== 'boolean') {
      throw new TypeError('protectedResource: dpop.required must be true or false')
    }
  }
  if (name !== undefined) checkText('protectedResource: name', name)
  if (documentation !== undefined) {
    checkEndpoint('protectedResource: documentation', documentation, allowLoopback)
  }
  return url
}

const KNOWN: readonly (keyof ProtectedResourceOptions)[] = [
  'resource',
  'authorizationServers',
  'scopes',
  'dpop',
  'name',
  'documentation',
  'allowLoopback',
]

function checkList(option: string, list: unknown, check: (option: string, text: string) => unknown): void {
  if (!Array.isArray(list) || list.length === 0) throw new TypeError(`${option} must be a non-empty array`)
  list.forEach((text: unknown, index) => check(`${option}[${index}]`, text as string))
}
