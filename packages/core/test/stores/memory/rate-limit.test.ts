import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { RateLimitCharge, RateLimitStore } from '../../../src/rate-limit/store.js'
import { memoryRateLimitStore } from '../../../src/stores/memory/rate-limit.js'
import { ManualClock } from '../../../src/testing/manual-clock.js'
import { modelRateLimitStore } from '../../../src/testing/rate-limit-model.js'
import { rateLimitStoreSuite } from '../../../src/testing/rate-limit-store-suite.js'

describe('the suite', () => {
  test.each([...rateLimitStoreSuite((clock) => memoryRateLimitStore({ clock }))])('$name', (one) => one.run())
  test.each([...rateLimitStoreSuite(modelRateLimitStore)])('the model: $name', (one) => one.run())
})
