import type { RequestListener } from 'node:http'
import type { Policy } from '../../exchange.js'
import type { ScenarioItems } from './items.js'

/** What a scenario asks of a service, whatever its protocol. */
export type ScenarioAction =
  | { readonly do: 'read'; readonly id: string }
  | { readonly do: 'list' }
  | { readonly do: 'create'; readonly name: string }
  | { readonly do: 'rename'; readonly id: string; readonly name: string }
  /** A write whose declaration demands an idempotency key. */
  | { readonly do: 'pay'; readonly id: string }
  /** A create whose input does not meet its contract. */
  | { readonly do: 'create-invalid' }
  /** Something the service does not have. */
  | { readonly do: 'unknown' }
  /** Bytes that are not what their media type says. */
  | { readonly do: 'malformed' }

/** An action as the protocol puts it on the wire. Reads that can be a GET are one. */
export interface ScenarioRequest {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * A protocol under test. Its service answers the actions with {@link ScenarioItems} and declares:
 *
 * | action | effect | scopes | cost | cache | idempotency | tags, or what it invalidates |
 * | --- | --- | --- | --- | --- | --- | --- |
 * | read | read | - | 1 | ttl 60 s | - | `Item:<id>` |
 * | list | read | - | 1 | ttl 60 s | - | `Item[]` and each item |
 * | create | write | `items:write` | 5 | - | optional | `Item[]` |
 * | rename | write | `items:write` | 1 | - | optional | `Item:<id>` |
 * | pay | write | `items:write` | 1 | - | required | nothing |
 */
export interface ScenarioProtocol {
  readonly name: string
  /** The service behind a gate with these policies. */
  serve(policies: readonly Policy[], items: ScenarioItems): RequestListener
  request(action: ScenarioAction): ScenarioRequest
  /** The refusal code in an answer, spelled as in the table of refusals. */
  code(answer: unknown): string | undefined
  /** The item, or the list of items, in an answer. */
  data(answer: unknown): unknown
  /** The statuses of the refusals that protocols answer differently. */
  readonly statuses: {
    readonly unknown: number
    readonly malformed: number
    readonly invalid: number
    readonly created: number
  }
}
