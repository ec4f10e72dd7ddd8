import { redisScript, type RedisScript } from './script.js'
import { SERVER_TIME, type ScriptTime } from './script-time.js'

/**
 * The script that remembers. Key: a sorted set of one source's ids by when they end. Arguments: the id, how long in
 * microseconds, the most ids. Reply: 0 fresh, 1 seen, 2 full.
 */
export function rememberScript(time: ScriptTime = SERVER_TIME): RedisScript {
  const now = `local now = ${time.now}\n`
  return redisScript(now + REMEMBER.replace('GRACE', String(time.grace)))
}

/** What has ended counts for nothing, and of it a call removes more than the one it adds. */
const REMEMBER = `
local key, id, span = KEYS[1], ARGV[1], tonumber(ARGV[2])
local ends = redis.call('ZSCORE', key, id)
if ends and tonumber(ends) > now then return 1 end
local held = redis.call('ZCARD', key)
if held > 0 then
  held = held - redis.call('ZCOUNT', key, '-inf', now)
  if held >= tonumber(ARGV[3]) then return 2 end
  local ended = redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, 16)
  if #ended > 0 then redis.call('ZREM', key, unpack(ended)) end
end
redis.call('ZADD', key, now + span, id)
local live = math.ceil(span / 1000) + GRACE
if redis.call('PTTL', key) < live then redis.call('PEXPIRE', key, live) end
return 0
`
