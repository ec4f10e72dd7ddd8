import { operation } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import { z } from 'zod'
import type { DevelopmentIssuer } from './development-issuer.js'

const TokenRequest = z.strictObject({
  sub: z.string().min(1).max(200),
  scope: z.string().max(1000).default(''),
})

/** Gives a token to anybody who asks, and publishes the key it is checked with. For development only. */
export function developmentRouter(issuer: DevelopmentIssuer): Router {
  const router = new Router()

  router.post(
    '/dev/token',
    operation({ access: 'anonymous', body: TokenRequest, idempotency: 'off' }),
    async (ctx) => {
      ctx.set('Cache-Control', 'no-store')
      ctx.body = {
        access_token: await issuer.issue(ctx.request.body),
        token_type: 'Bearer',
        expires_in: issuer.lifetime,
      }
    },
  )

  router.get(
    '/.well-known/jwks.json',
    operation({ access: 'anonymous', cache: { ttl: '5m', public: true } }),
    (ctx) => {
      ctx.type = 'application/jwk-set+json'
      ctx.body = issuer.tokens.jwks
    },
  )

  return router
}
