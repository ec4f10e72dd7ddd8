import type { RefusalCode } from '@headgate/core'
import type { MediaType } from './accept.js'

/** What can become of a request whose HTTP part is in order. */
type Outcome = RequestError | 'complete' | 'partial'

/** Why a well-formed HTTP request can't run. */
export type RequestError = Extract<
  RefusalCode,
  | 'body-malformed'
  | 'graphql-request-malformed'
  | 'graphql-parse-failed'
  | 'graphql-validation-failed'
  | 'graphql-document-too-complex'
  | 'operation-resolution-failure'
  | 'bad-user-input'
>

type Row = Readonly<Record<MediaType, number>>

const row = (graphql: number, json: number): Row => ({
  'application/graphql-response+json': graphql,
  'application/json': json,
})

/**
 * The status of every outcome, by profile. `audit-2025` is what clients and the public audit suite expect: for
 * `application/json` a request that reached GraphQL is 200 whatever became of it.
 */
const PROFILES = {
  'audit-2025': {
    'body-malformed': row(400, 400),
    'graphql-request-malformed': row(400, 400),
    'graphql-parse-failed': row(400, 200),
    'graphql-validation-failed': row(400, 200),
    // A limit is ours, not GraphQL's: a refusal must look like one to every client.
    'graphql-document-too-complex': row(400, 400),
    'operation-resolution-failure': row(400, 200),
    'bad-user-input': row(400, 200),
    complete: row(200, 200),
    partial: row(200, 200),
  },
} as const satisfies Record<string, Record<Outcome, Row>>

/** Which edition of GraphQL over HTTP decides about statuses. */
export type Profile = keyof typeof PROFILES

/** The names of the profiles. */
export const PROFILE_NAMES = Object.keys(PROFILES) as readonly Profile[]

/** The status of an outcome for a client that gets `media`. */
export function statusOf(profile: Profile, outcome: Outcome, media: MediaType): number {
  return PROFILES[profile][outcome][media]
}
