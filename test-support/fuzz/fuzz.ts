import { exchangeBytes, faultOf } from './judge.js'
import { chance } from './random.js'
import { fuzzedRequest } from './requests.js'

/** How long and from where to fuzz. */
export interface FuzzOptions {
  readonly port: number
  /** The run with this seed sends the same requests again. */
  readonly seed: number
  readonly requests: number
  /** Stops earlier when this time is over, in ms. */
  readonly time: number
  /** A good token, asked for before each batch. */
  readonly token: () => Promise<string>
}

/** What a run found. */
export interface FuzzReport {
  readonly sent: number
  /** How often each status and code came, so that a run that gets nowhere is noticed. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly faults: readonly Fault[]
  /** Bytes by which the live heap grew in the second half, where the process runs with `--expose-gc`. */
  readonly growth: number | undefined
}

/** A request that the gateway should have borne. */
export interface Fault {
  readonly fault: string
  /** Seed of this one request. */
  readonly seed: number
  /** The request, in base64: the form in which the corpus keeps it. */
  readonly request: string
}

const BATCH = 16

/** Sends disturbed requests, a few at a time, until the number or the time is reached. */
export async function fuzz({ port, seed, requests, time, token }: FuzzOptions): Promise<FuzzReport> {
  const end = Date.now() + time
  const outcomes: Record<string, number> = {}
  const faults: Fault[] = []
  let sent = 0
  let half: number | undefined

  const one = async (own: number, bearer: string): Promise<void> => {
    const bytes = fuzzedRequest(chance(own), bearer)
    const answer = await exchangeBytes(port, bytes)
    const kind = outcomeOf(answer)
    outcomes[kind] = (outcomes[kind] ?? 0) + 1
    const fault = faultOf(answer)
    if (fault !== undefined) faults.push({ fault, seed: own, request: bytes.toString('base64') })
  }

  while (sent < requests && Date.now() < end) {
    const bearer = await token()
    const size = Math.min(BATCH, requests - sent)
    await Promise.all(Array.from({ length: size }, (_, index) => one(seed + sent + index, bearer)))
    sent += size
    if (half === undefined && sent >= requests / 2) half = liveHeap()
  }
  const whole = liveHeap()
  return {
    sent,
    outcomes,
    faults,
    growth: half === undefined || whole === undefined ? undefined : whole - half,
  }
}

/** `429 quota-exceeded`, `201`; `none` where the connection closed without an answer. */
function outcomeOf(answer = ''): string {
  const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 'none'
  const code = /"code":"([\w-]+)"/.exec(answer)?.[1]
  return code === undefined ? status : `${status} ${code}`
}

function liveHeap(): number | undefined {
  if (globalThis.gc === undefined) return undefined
  globalThis.gc()
  return process.memoryUsage().heapUsed
}
