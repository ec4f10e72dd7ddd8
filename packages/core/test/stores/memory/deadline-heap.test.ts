import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { deadlineHeap, type Ending } from '../../../src/stores/memory/deadline-heap.js'

test('gives what has ended, all of it and nothing else, the first to end first', () => {
  const steps = fc.array(fc.record({ span: fc.integer({ min: 0, max: 40 }), isAdded: fc.boolean() }), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(steps, (schedule) => {
      const heap = deadlineHeap<Ending>()
      let waiting: Ending[] = []
      let now = 0
      for (const { span, isAdded } of schedule) {
        if (isAdded) {
          const added = { expires: now + span }
          heap.add(added)
          waiting.push(added)
        } else {
          now += span
          const due: Ending[] = []
          for (let item = heap.takeDue(now); item !== undefined; item = heap.takeDue(now)) due.push(item)
          const expected = waiting.filter(({ expires }) => expires <= now)
          waiting = waiting.filter(({ expires }) => expires > now)
          expect(new Set(due)).toEqual(new Set(expected))
          expect(due.map(({ expires }) => expires)).toEqual(
            due.map(({ expires }) => expires).toSorted((a, b) => a - b),
          )
        }
      }
    }),
  )
})
