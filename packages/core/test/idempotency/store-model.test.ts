import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type {
  ClaimVerdict,
  IdempotencyClaim,
  IdempotencyRecord,
  IdempotencyStore,
} from '../../src/idempotency/store.js'
import { memoryIdempotencyStore } from '../../src/stores/memory/idempotency.js'
import { ManualClock } from '../../src/testing/manual-clock.js'

interface ModelCell {
  state: 'claimed' | 'executing' | 'done'
  readonly fingerprint: string
  owner: string
  fence: number
  retention: number
  leaseEnds: number
  ends: number
  record?: IdempotencyRecord
}

/** The state machine as the interface tells it, with no care for memory. */
class Model {
  readonly cells = new Map<string, ModelCell>()
  now = 0
  fence = 0

  cell(name: string): ModelCell | undefined {
    const cell = this.cells.get(name)
    return cell !== undefined && this.now < cell.ends ? cell : undefined
  }

  owned(name: string, fence: number): ModelCell | undefined {
    const cell = this.cell(name)
    return cell?.fence === fence && cell.state !== 'done' ? cell : undefined
  }

  claim(name: string, claim: IdempotencyClaim): ClaimVerdict {
    const cell = this.cell(name)
    const live = cell !== undefined && this.now < cell.leaseEnds
    if (cell !== undefined && cell.fingerprint !== claim.fingerprint) return { state: 'mismatch' }
    if (cell?.record !== undefined) return { state: 'done', record: cell.record }
    if (cell?.owner === claim.owner) {
      this.hold(cell, claim.lease)
      return { state: 'won', fence: cell.fence, takeover: false }
    }
    if (cell !== undefined && live) return { state: 'busy', remaining: cell.leaseEnds - this.now }
    if (cell?.state === 'executing') return { state: 'unknown' }
    this.fence += 1
    const { owner, fingerprint, retention } = claim
    const state = claim.barrier === 'now' ? 'executing' : 'claimed'
    const won: ModelCell = { state, fingerprint, owner, fence: this.fence, retention, leaseEnds: 0, ends: 0 }
    this.hold(won, claim.lease)
    this.cells.set(name, won)
    return { state: 'won', fence: won.fence, takeover: cell !== undefined }
  }

  hold(cell: ModelCell, lease: number): boolean {
    cell.leaseEnds = this.now + lease
    cell.ends = cell.leaseEnds + cell.retention
    return true
  }

  begin(name: string, fence: number, lease: number): boolean {
    const cell = this.owned(name, fence)
    if (cell === undefined) return false
    cell.state = 'executing'
    return this.hold(cell, lease)
  }

  renew(name: string, fence: number, lease: number): boolean {
    const cell = this.owned(name, fence)
    return cell !== undefined && this.hold(cell, lease)
  }

  complete(name: string, fence: number, record: IdempotencyRecord, retention: number): string {
    const done = this.cell(name)
    if (done?.fence === fence && done.record !== undefined) {
      return done.record.status === record.status ? 'stored' : 'stale'
    }
    const cell = this.owned(name, fence)
    if (cell === undefined) return 'stale'
    cell.state = 'done'
    cell.record = record
    cell.ends = this.now + retention
    return 'stored'
  }

  free(name: string, may: (cell: ModelCell) => boolean): boolean {
    const cell = this.cell(name)
    return cell !== undefined && may(cell) && this.cells.delete(name)
  }
}

const cells = fc.constantFrom('a', 'b', '__proto__')
const owners = fc.constantFrom('x', 'y', 'z')
const spans = fc.constantFrom(1, 10, 100)
/** Which of the fences handed out so far: the last, or one before it. */
const back = fc.nat(3)

const steps = fc.array(
  fc.oneof(
    fc.record({
      call: fc.constant('claim' as const),
      cell: cells,
      owner: owners,
      fingerprint: fc.constantFrom('f', 'f', 'f', 'g'),
      lease: spans,
      retention: spans,
      barrier: fc.constantFrom('now' as const, 'deferred' as const),
    }),
    fc.record({ call: fc.constantFrom('begin' as const, 'renew' as const), cell: cells, back, lease: spans }),
    fc.record({
      call: fc.constant('complete' as const),
      cell: cells,
      back,
      status: fc.constantFrom(200, 201),
      retention: spans,
    }),
    fc.record({ call: fc.constant('release' as const), cell: cells, back }),
    fc.record({ call: fc.constant('withdraw' as const), cell: cells, owner: owners }),
    fc.record({ call: fc.constant('advance' as const), by: fc.constantFrom(1, 9, 10, 50, 200) }),
  ),
  { maxLength: 60 },
)
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never

function recordOf(status: number): IdempotencyRecord {
  return { outcome: 'answered', status, headers: {}, body: new Uint8Array([status % 256]) }
}

/** Does a step to both; fences are named by age, since the numbers of two stores need not be equal. */
async function both(
  step: Step,
  store: IdempotencyStore,
  model: Model,
  fences: Map<string, readonly [number, number][]>,
): Promise<void> {
  if (step.call === 'advance') return
  const { cell } = step
  if (step.call === 'claim') {
    const { call: _call, cell: _cell, ...rest } = step
    const [got, expected] = [
      await store.claim(cell, { ...rest, share: 'ann', keyTime: undefined }),
      model.claim(cell, { ...rest, share: 'ann', keyTime: undefined }),
    ]
    if (got.state !== 'won' || expected.state !== 'won') return expect(got).toEqual(expected)
    expect(got.takeover).toBe(expected.takeover)
    const known = fences.get(cell) ?? []
    const [lastGot = 0, lastExpected = 0] = known.at(-1) ?? []
    expect(Math.sign(got.fence - lastGot)).toBe(Math.sign(expected.fence - lastExpected))
    if (got.fence !== lastGot) fences.set(cell, [...known, [got.fence, expected.fence]])
    return
  }
  if (step.call === 'withdraw') {
    const may = (found: ModelCell): boolean => found.owner === step.owner && found.state !== 'done'
    return expect(await store.withdraw(cell, step.owner)).toBe(model.free(cell, may))
  }
  const [got, expected] = fences.get(cell)?.at(-1 - step.back) ?? [0, 0]
  switch (step.call) {
    case 'begin':
      return expect(await store.begin(cell, got, step.lease)).toBe(model.begin(cell, expected, step.lease))
    case 'renew':
      return expect(await store.renew(cell, got, step.lease)).toBe(model.renew(cell, expected, step.lease))
    case 'release': {
      const may = (found: ModelCell): boolean => found.fence === expected && found.state === 'claimed'
      return expect(await store.release(cell, got)).toBe(model.free(cell, may))
    }
    default: {
      const record = recordOf(step.status)
      expect(await store.complete(cell, got, record, step.retention)).toBe(
        model.complete(cell, expected, record, step.retention),
      )
    }
  }
}

test('the memory store decides like the model on any schedule', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (schedule) => {
      const clock = new ManualClock()
      const store = memoryIdempotencyStore({ clock })
      const model = new Model()
      const fences = new Map<string, readonly [number, number][]>()
      for (const step of schedule) {
        if (step.call === 'advance') {
          clock.step(clock.now() + step.by)
          model.now += step.by
        }
        await both(step, store, model, fences)
      }
    }),
    { numRuns: 500 },
  )
})
