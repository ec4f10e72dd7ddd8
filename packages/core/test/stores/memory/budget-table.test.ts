import { expect, test } from '@jest/globals'
import type { RateLimitCharge } from '../../../src/rate-limit/store.js'
import { gcraKind } from '../../../src/stores/memory/budget-kind.js'
import { budgetTable } from '../../../src/stores/memory/budget-table.js'

test('memory: a charge looks at a constant number of budgets, however many there are and whoever comes', () => {
  for (const maxEntries of [100, 10_000]) {
    let looks = 0
    const table = budgetTable(
      {
        ...gcraKind,
        bound(budget, now) {
          looks += 1
          gcraKind.bound(budget, now)
        },
      },
      maxEntries,
    )
    for (let now = 0; now < 3 * maxEntries; now += 1) {
      // A tenth uses its budget up, and all but the first stay for a while.
      const cost = now % 10 === 0 ? 10 : 1
      const one: RateLimitCharge = { quota: 'q', key: `caller ${now}`, interval: 1_000_000, burst: 10, cost }
      looks = 0
      table.take(table.find(one, now), one, now, undefined)
      expect(looks).toBeLessThanOrEqual(12)
      expect(table.size).toBeLessThanOrEqual(maxEntries)
    }
  }
})
