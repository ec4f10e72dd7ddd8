import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type Breaker, type BreakerState, circuitBreaker } from '../src/breaker.js'
import { ManualClock } from '../src/testing/index.js'

const COOLDOWN = 1_000

function setUp({ failures = 3, random = 0 } = {}) {
  const clock = new ManualClock()
  const changes: BreakerState[] = []
  const onChange = (state: BreakerState) => void changes.push(state)
  const breaker = circuitBreaker({ failures, cooldown: COOLDOWN, clock, random: () => random, onChange })
  return { breaker, clock, changes }
}

function fail(breaker: Breaker, times: number): void {
  for (let count = 0; count < times; count += 1) breaker.failed(breaker.enter())
}

describe('circuitBreaker', () => {
  test('opens after failures in a row, and only then', () => {
    const { breaker } = setUp({ failures: 3 })
    fail(breaker, 2)
    breaker.succeeded(breaker.enter())
    fail(breaker, 2)
    expect(breaker.state).toBe('closed')
    fail(breaker, 1)
    expect(breaker.state).toBe('open')
    expect(breaker.enter()).toBe(0)
  })

  test('lets one call probe when its cooldown is over, and closes when that succeeds', async () => {
    const { breaker, clock, changes } = setUp()
    fail(breaker, 3)
    await clock.advance(COOLDOWN - 1)
    expect(breaker.enter()).toBe(0)
    await clock.advance(1)
    const probe = breaker.enter()
    expect(probe).toBeGreaterThan(0)
    expect(breaker.enter()).toBe(0)
    breaker.succeeded(probe)
    expect(breaker.enter()).toBeGreaterThan(0)
    expect(changes).toEqual(['open', 'half-open', 'closed'])
  })

  test('opens again for a whole cooldown when the probe fails', async () => {
    const { breaker, clock } = setUp()
    fail(breaker, 3)
    await clock.advance(COOLDOWN)
    fail(breaker, 1)
    expect(breaker.state).toBe('open')
    await clock.advance(COOLDOWN - 1)
    expect(breaker.state).toBe('open')
    await clock.advance(1)
    expect(breaker.state).toBe('half-open')
  })

  test('adds up to half of the cooldown at random', async () => {
    const { breaker, clock } = setUp({ random: 0.5 })
    fail(breaker, 3)
    await clock.advance(COOLDOWN * 1.25 - 1)
    expect(breaker.state).toBe('open')
    await clock.advance(1)
    expect(breaker.state).toBe('half-open')
  })

  test('hears nothing from calls of another time: neither a late success nor a late failure counts', async () => {
    const { breaker, clock } = setUp()
    const [slow, slower, slowest] = [breaker.enter(), breaker.enter(), breaker.enter()]
    fail(breaker, 3)
    breaker.succeeded(slow)
    expect(breaker.state).toBe('open')
    await clock.advance(COOLDOWN)
    const probe = breaker.enter()
    breaker.failed(slower)
    breaker.succeeded(slower)
    expect(breaker.state).toBe('half-open')
    breaker.succeeded(probe)
    for (let count = 0; count < 5; count += 1) breaker.failed(slowest)
    expect(breaker.state).toBe('closed')
  })

  test('whatever happens: one probe at a time, never stuck, never more than its failures in a row', async () => {
    const step = fc.constantFrom('enter', 'succeed', 'fail', 'wait')
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 80 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, failures) => {
          const { breaker, clock } = setUp({ failures, random: 0.9 })
          const turns: { turn: number; state: BreakerState }[] = []
          for (const name of steps) {
            if (name === 'wait') await clock.advance(COOLDOWN / 2)
            else if (name === 'enter') {
              const { state } = breaker
              const turn = breaker.enter()
              if (state === 'open') expect(turn).toBe(0)
              if (state === 'closed') expect(turn).toBeGreaterThan(0)
              if (turn > 0) turns.push({ turn, state })
              const probes = turns.filter((each) => each.state === 'half-open' && each.turn === turn)
              expect(probes.length).toBeLessThanOrEqual(1)
            } else {
              const settled = turns.shift()
              if (settled === undefined) continue
              if (name === 'succeed') breaker.succeeded(settled.turn)
              else breaker.failed(settled.turn)
            }
          }
          // Every call ends one day (the deadline sees to it); then the breaker lets somebody in.
          for (const { turn } of turns) breaker.failed(turn)
          await clock.advance(COOLDOWN * 1.5)
          expect(breaker.enter()).toBeGreaterThan(0)
        },
      ),
    )
  })
})
