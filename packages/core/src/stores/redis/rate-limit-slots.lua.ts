import { redisScript, type RedisScript } from './script.js'
import { SERVER_TIME, type ScriptTime } from './script-time.js'

/** The scripts over slots. Keys: one sorted set for each quota, of holds by when they end. All have the same hash tag. */
export interface SlotScripts {
  /**
   * Arguments: the hold's id, or `''` to look; the lease in microseconds; a limit for each key. Reply: whether it holds;
   * the free slots of each.
   */
  readonly acquire: RedisScript
  /** Arguments: the hold's id, the lease in microseconds. Reply: 1, or 0 when one has lapsed. */
  readonly renew: RedisScript
  /** Argument: the hold's id. */
  readonly release: RedisScript
}

export function slotScripts(time: ScriptTime = SERVER_TIME): SlotScripts {
  const now = `local now = ${time.now}\n`
  const hold = HOLD.replace('GRACE', String(time.grace))
  return {
    acquire: redisScript(now + hold + ACQUIRE),
    renew: redisScript(now + hold + RENEW),
    release: redisScript(RELEASE),
  }
}

/** A set of holds lives as long as its last lease. */
const HOLD = `
local lease = tonumber(ARGV[2])
local function hold(key)
  redis.call('ZADD', key, now + lease, ARGV[1])
  local live = math.max(1, math.ceil(lease / 1000)) + GRACE
  if redis.call('PTTL', key) < live then redis.call('PEXPIRE', key, live) end
end
`

const ACQUIRE = `
local reply = { 1 }
for at, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local free = math.max(0, tonumber(ARGV[2 + at]) - redis.call('ZCARD', key))
  if free == 0 then reply[1] = 0 end
  reply[at + 1] = free
end
if ARGV[1] == '' then reply[1] = 0 end
if reply[1] == 1 then
  for at, key in ipairs(KEYS) do
    hold(key)
    reply[at + 1] = reply[at + 1] - 1
  end
end
return reply
`

const RENEW = `
local held = 1
for _, key in ipairs(KEYS) do
  local ends = redis.call('ZSCORE', key, ARGV[1])
  if ends and tonumber(ends) > now then hold(key) else held = 0 end
end
return held
`

const RELEASE = `
for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end
return 0
`
