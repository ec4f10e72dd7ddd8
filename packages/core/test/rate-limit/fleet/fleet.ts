import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach } from '@jest/globals'
import { poll } from '../../../../../test-support/redis/poll.mjs'
import type { Quota } from '../../../src/rate-limit/quota.js'

/** Where the processes find Redis. */
export interface Topology {
  readonly kind: 'one' | 'cluster' | 'sentinels'
  readonly ports: readonly number[]
  /** Of the master, behind sentinels. */
  readonly name?: string
}

/** What the processes of a fleet do. Durations in milliseconds. */
export interface FleetPlan {
  readonly topology: Topology
  readonly isPipelining: boolean
  readonly isLeased: boolean
  /** For how long units are kept. Default: the default of `leased`. */
  readonly leaseTtl?: number
  readonly quotas: readonly Quota[]
  readonly processes: number
  readonly onStoreDown: 'local' | 'deny'
  readonly guard: { readonly deadline: number; readonly cooldown?: number; readonly prefix?: string }
  /** How many clients of each process send requests, one after the other. */
  readonly concurrency: number
  /** Who asks, in turn. */
  readonly addresses: readonly string[]
}

/** What became of the requests of one process so far. */
export interface Tally {
  /** Admitted by the store, or with units that it had charged ahead. */
  byStore: number
  /** Admitted by the process alone. */
  byShare: number
  /** Of these, the ones that the store had not been asked for. */
  owed: number
  deniedByStore: number
  deniedByShare: number
  unavailable: number
  /** How often the store was found back. */
  recovered: number
  /** Requests that were not decided when the deadline of the store was over. */
  overdue: number
  /** Requests that are not decided yet. */
  running: number
  /** Why the store did not decide, and how often. */
  reasons: Record<string, number>
  /** How many were admitted. */
  byAddress: Record<string, number>
}

/** What a process is told: to begin, to end and wait for what is running, or just to tell. */
export interface Order {
  readonly do: 'press' | 'rest' | 'tell'
  readonly id: number
}

/** Processes under load. */
export interface Fleet {
  press(): Promise<void>
  /** Ends the load, gives leases back, and tells what became of everything. */
  rest(): Promise<readonly Tally[]>
  /** Waits until it is so for each process. */
  until(what: string, isSo: (tally: Tally, before: Tally) => boolean): Promise<void>
  /** What `until` compares with from now on. */
  mark(): Promise<void>
}

const PROCESS = join(import.meta.dirname, 'process.mjs')
const running: ChildProcess[] = []
afterEach(() => {
  for (const one of running.splice(0)) one.kill('SIGKILL')
})

/** Starts the processes. They are ready, and do nothing yet. They end with the test. */
export async function startFleet(plan: FleetPlan): Promise<Fleet> {
  const processes = Array.from({ length: plan.processes }, () =>
    fork(PROCESS, [JSON.stringify(plan)], { execArgv: [] }),
  )
  running.push(...processes)
  await Promise.all(processes.map((one) => once(one, 'message')))
  let ids = 0
  const order = (what: Order['do']): Promise<readonly Tally[]> =>
    Promise.all(processes.map((one) => ask(one, { do: what, id: (ids += 1) })))
  let marked = await order('tell')
  return {
    press: async () => void (await order('press')),
    rest: () => order('rest'),
    async until(what, isSo) {
      let now = await order('tell')
      await poll(what, async () => {
        now = await order('tell')
        return now.every((tally, index) => isSo(tally, marked[index] ?? tally))
      }).catch((error: unknown) => {
        throw new Error(`${String(error)}: ${JSON.stringify(now)}`)
      })
    },
    async mark() {
      marked = await order('tell')
    },
  }
}

function ask(one: ChildProcess, order: Order): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const hear = (told: Tally & { readonly answers: number }): void => {
      if (told.answers !== order.id) return
      one.off('message', hear)
      resolve(told)
    }
    one.on('message', hear)
    one.send(order, (error) => {
      if (error !== null) reject(error)
    })
  })
}

/** Adds up one number of all processes. */
export function total(
  tallies: readonly Tally[],
  member: Exclude<keyof Tally, 'reasons' | 'byAddress'>,
): number {
  return tallies.reduce((sum, tally) => sum + tally[member], 0)
}

/** Adds up what may have been charged though nobody was told. */
export function unknown(tallies: readonly Tally[]): number {
  return tallies.reduce((sum, { reasons }) => sum + (reasons['deadline'] ?? 0) + (reasons['error'] ?? 0), 0)
}
