import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type Deadline, deadlineQueue } from '../../../src/stores/memory/deadline-queue.js'

test('finds exactly what has ended, whatever is added and removed while time goes on, or back', () => {
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom('add', 'remove', 'tick', 'back'),
      span: fc.constantFrom(1, 5, 30),
      pick: fc.nat(),
    }),
    { maxLength: 200 },
  )
  fc.assert(
    fc.property(steps, (schedule) => {
      const queue = deadlineQueue<Deadline>()
      const model = new Set<Deadline>()
      let now = 0
      for (const { kind, span, pick } of schedule) {
        const items = [...model]
        const item = items[pick % items.length]
        if (kind === 'tick') now += span
        else if (kind === 'back') now -= span
        else if (kind === 'add') {
          const added = { span, expires: now + span }
          queue.add(added)
          model.add(added)
        } else if (item !== undefined) {
          queue.remove(item)
          model.delete(item)
        }
        expect(queue.next()).toBe(Math.min(...[...model].map(({ expires }) => expires)))
        for (let due = queue.due(now); due !== undefined; due = queue.due(now)) {
          expect(due.expires).toBeLessThanOrEqual(now)
          expect(model.delete(due)).toBe(true)
          queue.remove(due)
        }
        for (const { expires } of model) expect(expires).toBeGreaterThan(now)
      }
    }),
  )
})

test('an item that is not in it is not removed', () => {
  const queue = deadlineQueue<Deadline>()
  queue.add({ span: 1, expires: 1 })
  queue.remove({ span: 1, expires: 1 })
  expect(queue.next()).toBe(1)
})
