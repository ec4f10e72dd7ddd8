import type { ScriptTime } from './script-time.js'

/** A value of more budgets is a map: the plain form puts all numbers on Lua's stack. */
export const MOST_PLAIN = 31

/** Lua: a line of a plan, taken apart. Ids hold no line feed. */
export const LINE = String.raw`'(%S+) (%S+) ([^\n]+)\n'`

/** Lua: what every script begins with. `size` is the first byte of the value. */
export function readValue({ reading }: ScriptTime): string {
  return `
local stored = redis.call('GET', KEYS[1])
local size = stored and string.byte(stored)
${reading}
`
}

/** Lua: writes `value`, to live until `latest`. */
export function writeValue({ expiry }: ScriptTime): string {
  return `redis.call('SET', KEYS[1], value, ${expiry})`
}

/**
 * Lua: decides about a plan of GCRA with one cost, where the value is plain: no windows, nothing reserved, no block. So
 * nearly every decision is made, without a table for each budget. It returns if it decides; all else (another rate, a
 * clock that stepped back, budgets to be cleared away) is left to what stands below it, and nothing is changed before.
 *
 * A plain value is a byte, how many budgets there are; three doubles for each: when it is full, the microseconds of a
 * unit, the burst; then their lines, as in a plan, in the same order. So the usual plan is found by comparing one text.
 * The first byte of a map of MessagePack is 128 at the least.
 */
export function plainConsume(time: ScriptTime): string {
  return CONSUME.replace('WRITE', writeValue(time))
}

const CONSUME = `
local common, plan = tonumber(ARGV[1]), ARGV[2]
if common and (not stored or (size > 0 and size <= ${MOST_PLAIN})) then
  local held, lines, state, places, isPlain = 0, plan, {}, nil, true
  if stored then
    held = size
    state = { struct.unpack('<' .. string.rep('ddd', held), stored, 2) }
    lines = string.sub(stored, held * 24 + 2)
  else
    for unit, burst in string.gmatch(plan, ${LINE}) do
      state[held * 3 + 1], state[held * 3 + 2], state[held * 3 + 3] = 0, tonumber(unit), tonumber(burst)
      held = held + 1
    end
    isPlain = held <= ${MOST_PLAIN}
  end
  local count = held
  if lines ~= plan then
    local others, at = {}, 0
    for _, _, id in string.gmatch(lines, ${LINE}) do
      at = at + 1
      others[id] = at
    end
    isPlain = at == held
    places, count = {}, 0
    for unit, burst, id in string.gmatch(plan, ${LINE}) do
      local place = others[id]
      if not place then
        lines = lines .. unit .. ' ' .. burst .. ' ' .. id .. '\\n'
        held = held + 1
        place = held
        state[place * 3 - 2], state[place * 3 - 1], state[place * 3] = 0, tonumber(unit), tonumber(burst)
      elseif state[place * 3 - 1] ~= tonumber(unit) or state[place * 3] ~= tonumber(burst) then
        isPlain = false
      end
      others[id] = nil
      count = count + 1
      places[count] = place
    end
    for _, place in pairs(others) do
      if state[place * 3 - 2] <= now then isPlain = false end
    end
    isPlain = isPlain and held <= ${MOST_PLAIN}
  end

  local reply, latest, isDenied = {}, now, false
  for nth = 1, count do
    local at = (places and places[nth] or nth) * 3
    local unit = state[at - 1]
    local most, owed = unit * state[at], state[at - 2] - now
    if owed < 0 then owed = 0 end
    local after = owed + unit * common
    if owed > most then isPlain = false end
    if after > most then isDenied = true end
    if now + after > latest then latest = now + after end
    state[at - 2], reply[nth] = now + after, after
  end
  if isPlain then
    if isDenied then
      for nth = 1, count do
        reply[nth] = state[(places and places[nth] or nth) * 3 - 1] * common - reply[nth] - 1
      end
    elseif common > 0 then
      if places then
        for at = 1, held * 3, 3 do if state[at] > latest then latest = state[at] end end
      end
      local value = struct.pack('<B' .. string.rep('ddd', held), held, unpack(state)) .. lines
      WRITE
    end
    return reply
  end
end
`
