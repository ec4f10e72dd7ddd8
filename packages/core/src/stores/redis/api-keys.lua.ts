import { AFTERLIFE } from './api-key-layout.js'
import { redisScript } from './script.js'

const NOW = `local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/** KEYS: record. Gives its members. */
export const FIND = redisScript(`return redis.call('HMGET', KEYS[1], 'record', 'disabledAt', 'endsAt')`)

/**
 * KEYS: id. ARGV: digest, when it is forgotten or nothing. Gives 0 when the id is another key's.
 *
 * It is never forgotten earlier than it was to be before: a record must not outlive its id.
 */
export const BIND = redisScript(`
local known = redis.call('GET', KEYS[1])
if known and known ~= ARGV[1] then return 0 end
if not known then redis.call('SET', KEYS[1], ARGV[1]) end
if ARGV[2] == '' then redis.call('PERSIST', KEYS[1])
elseif known then redis.call('PEXPIREAT', KEYS[1], ARGV[2], 'GT')
else redis.call('PEXPIREAT', KEYS[1], ARGV[2]) end
return 1`)

/** KEYS: id. Gives the digest. */
export const RESOLVE = redisScript(`return redis.call('GET', KEYS[1])`)

/** KEYS: record. ARGV: the record, when it is forgotten or nothing. Gives 0 when the key is revoked, and stays so. */
export const STORE = redisScript(`
redis.call('HSET', KEYS[1], 'record', ARGV[1])
local forgotten = tonumber(ARGV[2])
local ends = redis.call('HGET', KEYS[1], 'endsAt')
if ends then forgotten = math.min(forgotten or math.huge, ends + ${AFTERLIFE}) end
if forgotten then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', forgotten)) else redis.call('PERSIST', KEYS[1]) end
return 1 - redis.call('HEXISTS', KEYS[1], 'disabledAt')`)

/** KEYS: record. Gives 0 when there is none. */
export const REVOKE = redisScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
${NOW}
redis.call('HSETNX', KEYS[1], 'disabledAt', string.format('%.0f', now))
return 1`)

/** KEYS: record. ARGV: how long it still works, in milliseconds. Gives 0 when there is none. */
export const RETIRE = redisScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
${NOW}
local ends = now + ARGV[1]
local known = redis.call('HGET', KEYS[1], 'endsAt')
if known and tonumber(known) <= ends then return 1 end
redis.call('HSET', KEYS[1], 'endsAt', string.format('%.0f', ends))
local left = redis.call('PTTL', KEYS[1])
local most = ARGV[1] + ${AFTERLIFE}
if left < 0 or left > most then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', most)) end
return 1`)
