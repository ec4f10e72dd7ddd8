import { exchangeOf, isAnonymous } from '@headgate/core'
import type { GraphqlOptions } from '@headgate/graphql-adapter'
import { operation } from '@headgate/rest-adapter'
import { Router } from '@koa/router'
import { buildSchema } from 'graphql'
import type { Context } from 'koa'
import { z } from 'zod'

/** How often each part of the service ran: what an attack must not raise. */
export interface Done {
  me: number
  open: number
  home: number
  admin: number
  create: number
  signIn: number
}

/** What a service has done to which nobody came through. */
export const NOTHING_DONE: Readonly<Done> = { me: 0, open: 0, home: 0, admin: 0, create: 0, signIn: 0 }

/** The one password of the service. */
export const PASSWORD = 'correct horse battery staple'

const NoteInput = z.object({ text: z.string().min(2).max(1_000) })
const SignIn = z.object({ password: z.string() })

/** Who asks, as a handler sees it. */
function callerOf(ctx: Context): string {
  const identity = exchangeOf(ctx)?.identity
  return identity === undefined || isAnonymous(identity) ? 'nobody' : identity.subject
}

/** What Koa makes of the fields that name the server and the client. */
function selfOf(ctx: Context): string {
  return `${ctx.protocol}://${ctx.host} for ${ctx.ip}`
}

/** The service over REST. */
export function restService(done: Done): Router {
  const router = new Router()
  router.get('/me', operation({ cache: { ttl: '1m' } }), (ctx) => {
    done.me += 1
    ctx.body = { caller: callerOf(ctx) }
  })
  // Public, and made of what the request says of itself.
  router.get('/home', operation({ access: 'anonymous', cache: { ttl: '1m', public: true } }), (ctx) => {
    done.home += 1
    ctx.body = { self: selfOf(ctx) }
  })
  router.get('/open', operation({ access: 'optional' }), (ctx) => {
    done.open += 1
    ctx.body = { caller: callerOf(ctx) }
  })
  router.get('/admin', operation({ scopes: ['admin'] }), (ctx) => {
    done.admin += 1
    ctx.body = { caller: callerOf(ctx) }
  })
  router.post('/notes', operation({ scopes: ['notes:write'], body: NoteInput }), (ctx) => {
    done.create += 1
    ctx.status = 201
    ctx.body = { text: ctx.request.body.text, caller: callerOf(ctx) }
  })
  router.post('/sessions', operation({ access: 'anonymous', quotas: ['sign-in'], body: SignIn }), (ctx) => {
    done.signIn += 1
    ctx.body = { ok: ctx.request.body.password === PASSWORD }
  })
  return router
}

/** The same service over GraphQL. */
export function graphqlService(
  done: Done,
): Pick<GraphqlOptions, 'schema' | 'rules' | 'rootValue' | 'context'> {
  const schema = buildSchema(`
    type Query { me: String  open: String  home: String  admin: String  nested: Nested }
    type Nested { nested: Nested  name: String }
    type Mutation { create(text: String!): String  signIn(password: String!): Boolean }
  `)
  type Caller = { readonly caller: string; readonly self: string }
  const count =
    (what: keyof Done) =>
    (_: unknown, { caller }: Caller) => {
      done[what] += 1
      return caller
    }
  return {
    schema,
    rootValue: {
      me: count('me'),
      open: count('open'),
      home: (_: unknown, { self }: Caller) => {
        done.home += 1
        return self
      },
      admin: count('admin'),
      create: count('create'),
      signIn: ({ password }: { password: string }) => {
        done.signIn += 1
        return password === PASSWORD
      },
    },
    context: (_exchange, ctx) => ({ caller: callerOf(ctx), self: selfOf(ctx) }),
    rules: {
      'Query.me': { cache: { ttl: '1m' } },
      'Query.home': { access: 'anonymous', cache: { ttl: '1m', public: true } },
      'Query.open': { access: 'optional' },
      'Query.nested': { access: 'optional' },
      'Query.admin': { scopes: ['admin'] },
      'Mutation.create': { scopes: ['notes:write'] },
      'Mutation.signIn': { access: 'anonymous', quotas: ['sign-in'] },
    },
  }
}
