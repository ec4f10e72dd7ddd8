/** What Koa is told about proxies. */
interface ProxySettings {
  readonly proxy?: unknown
  readonly maxIpsCount?: unknown
}

/** Whether such settings are refused, or known to be meant. */
export type KoaProxy = 'refuse' | 'allow'

export const KOA_PROXY_CHOICES = ['refuse', 'allow'] as const

/**
 * With `proxy` alone Koa takes the left-most entry of `X-Forwarded-For` for the client's address. The client writes
 * it: whatever reads `ctx.ip`, in a handler or in another middleware, believes whoever asks.
 *
 * @throws TypeError where an application is set so.
 */
export function checkKoaProxy(owner: string, app: object): void {
  const { proxy, maxIpsCount } = app as ProxySettings
  // Koa counts from the right only where the number is above 0.
  if (!proxy || (typeof maxIpsCount === 'number' && maxIpsCount > 0)) return
  throw new TypeError(
    `${owner}: app.proxy lets every client choose its ctx.ip; set app.maxIpsCount to the number of proxies, ` +
      "or koaProxy: 'allow' if nothing reads it",
  )
}
