import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Quota } from '../../../src/rate-limit/quota.js'

/** What one process of a fleet does. Durations in milliseconds. */
export interface ProcessPlan {
  readonly ports: readonly number[]
  readonly isCluster: boolean
  readonly isLeased: boolean
  readonly quota: Quota
  readonly processes: number
  readonly onStoreDown: 'local' | 'deny'
  readonly guard: { readonly deadline?: number; readonly cooldown?: number; readonly prefix?: string }
  readonly concurrency: number
  /** How many requests each of its clients sends, one after the other. */
  readonly requests: number
  /** It ends then at the latest. */
  readonly duration: number
  /** Between two requests of a client. */
  readonly pause: number
}

/** What became of the requests of one process. */
export interface ProcessReport {
  admitted: number
  asked: number
  degraded: number
  recovered: number
  unavailable: number
  /** The longest wait for a decision, in milliseconds. */
  slowest: number
  /** Decisions of the store in the last half second. */
  byStoreAtEnd: number
}

const PROCESS = join(import.meta.dirname, 'process.mjs')

/** Runs a fleet of processes to its end. They begin together; `begun` is called then. */
export async function runFleet(plan: ProcessPlan, begun?: () => void): Promise<readonly ProcessReport[]> {
  const all = Array.from({ length: plan.processes }, () =>
    spawn(process.execPath, [PROCESS, JSON.stringify(plan)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 60_000,
    }),
  )
  await Promise.all(all.map(({ stdout }) => once(stdout, 'data')))
  for (const { stdin } of all) stdin.end('go')
  begun?.()
  return Promise.all(all.map(async ({ stdout }) => JSON.parse(await text(stdout)) as ProcessReport))
}

/** Adds up one number of all reports. */
export function total(reports: readonly ProcessReport[], member: keyof ProcessReport): number {
  return reports.reduce((sum, report) => sum + report[member], 0)
}
