import { expect, test } from '@jest/globals'
import { describeRedis, useRedis } from '../../../../../test-support/redis/use-redis.js'
import { redisRateLimitStore } from '../../../src/stores/redis/index.js'
import { CALENDAR } from '../../../src/stores/redis/rate-limit-calendar.lua.js'
import { connect, PATIENT } from './clients.js'

const DAY = 86_400_000_000
const MONTH = { quota: 'month', algorithm: 'fixed-window', window: 'month', burst: 5, cost: 1 } as const

/** A line for each day of so many: the months and weeks of its first and last microsecond, and when these begin. */
const DAYS = `${CALENDAR}
local lines = {}
for day = tonumber(ARGV[1]), tonumber(ARGV[2]) - 1 do
  local line = { day }
  for _, unit in ipairs({ 'month', 'week' }) do
    for _, time in ipairs({ day * ${DAY}, (day + 1) * ${DAY} - 1 }) do
      local stretch = stretchAt(unit, time)
      line[#line + 1] = stretch
      line[#line + 1] = string.format('%.0f', startOf(unit, stretch))
    end
  end
  lines[#lines + 1] = table.concat(line, ' ')
end
return lines`

function expectedLine(day: number): string {
  const date = new Date((day * DAY) / 1_000)
  const [year, month, weekday] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDay()]
  const monday = day - ((weekday + 6) % 7)
  const ofMonth = `${(year - 1970) * 12 + month} ${Date.UTC(year, month) * 1_000}`
  const ofWeek = `${(monday + 3) / 7} ${monday * DAY}`
  return [day, ofMonth, ofMonth, ofWeek, ofWeek].join(' ')
}

describeRedis('the calendar of the scripts', () => {
  const server = useRedis()
  /** The clock of the server, in milliseconds. */
  const time = async (): Promise<number> => {
    const [seconds, microseconds] = (await server().command('TIME')) as string[]
    return Number(seconds) * 1_000 + Number(microseconds) / 1_000
  }

  test.each([
    ['before the epoch', -1_000, 0],
    ['from 1970 on', 0, 30_000],
    ['from 2052 on', 30_000, 60_000],
    ['until 2200', 60_000, 84_006],
  ])('%s every day is in the month and the week that it is in', async (_name, from, to) => {
    const lines = (await server().command('EVAL', DAYS, '0', String(from), String(to))) as string[]
    const wrong = lines.filter((line, index) => line !== expectedLine(from + index))
    expect(wrong.slice(0, 5)).toEqual([])
    expect(lines).toHaveLength(to - from)
  })

  test('by the clock of the server a month is there until it ends, and its value no longer', async () => {
    const store = redisRateLimitStore(await connect(server().port), PATIENT)
    const before = await time()
    const { quotas } = await store.consume([{ ...MONTH, key: 'caller' }])
    const after = await time()
    const end = Number(await server().command('PEXPIRETIME', 'headgate:{caller}'))
    expect(new Date(end).toISOString()).toMatch(/-01T00:00:00\.000Z$/)
    const left = (quotas[0]?.renewal ?? 0) / 1_000
    expect(left).toBeGreaterThanOrEqual(end - after)
    expect(left).toBeLessThanOrEqual(end - before)
    expect(left).toBeLessThanOrEqual((31 * DAY) / 1_000)
  })

  test('the month stands in the value: the name of the key is that of all budgets of the caller', async () => {
    const store = redisRateLimitStore(await connect(server().port), PATIENT)
    await store.consume([
      { ...MONTH, key: 'one' },
      { quota: 'burst', key: 'one', interval: 1_000_000, burst: 5, cost: 1 },
    ])
    expect(await server().command('KEYS', '*one*')).toEqual(['headgate:{one}'])
  })
})
