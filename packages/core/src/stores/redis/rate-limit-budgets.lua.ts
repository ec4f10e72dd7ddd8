import { MOST_RESERVATIONS } from '../../rate-limit/store.js'
import { CALENDAR } from './rate-limit-calendar.lua.js'
import { LINE, MOST_PLAIN, plainConsume, readValue, writeValue } from './rate-limit-plain.lua.js'
import { WINDOWS } from './rate-limit-windows.lua.js'
import { redisScript, type RedisScript } from './script.js'
import { SERVER_TIME, type ScriptTime } from './script-time.js'

/** The scripts over the budgets of one key. */
export interface BudgetScripts {
  /**
   * Key: the budgets. Arguments: what every charge costs, and the plan, a line `unit burst id` for each charge (the
   * unit of a window is a stretch). When the costs differ or more is asked for: `''`, the plan, `1` to take or `0` to
   * look, the id and the microseconds of a reservation (`''` and 0: none), the id of the one whose place it takes or
   * `''`, and the cost of each charge.
   *
   * Reply: where all is plain, a number for each charge: its backlog afterwards; of a denied one -1 less its backlog.
   * Else 0 admitted, 1 denied, 2 impossible, 3 denied by a block; then of each charge what remains, renewal and wait
   * (-1: never).
   */
  readonly consume: RedisScript
  /**
   * Key: the budgets. Arguments: the id of the reservation; then of each charge its budget's id, reserved and real cost.
   * Reply: of how many charges there was a reservation.
   */
  readonly settle: RedisScript
  /** Key: the budgets. Argument: the microseconds. */
  readonly block: RedisScript
}

/** Makes the scripts. The rules are those of `rate-limit/gcra-budget.ts` and `window-budget.ts`, line by line. */
export function budgetScripts(time: ScriptTime = SERVER_TIME): BudgetScripts {
  const value = readValue(time)
  const load = CALENDAR + LOAD
  const save = SAVE.replace('WRITE', writeValue(time))
  return {
    consume: redisScript(value + plainConsume(time) + load + WINDOWS + BRING + save + CONSUME),
    settle: redisScript(value + load + WINDOWS + BRING + save + SETTLE.replace('LAST', time.last)),
    block: redisScript(value + load + save + BLOCK),
  }
}

/**
 * All budgets of a key are one value: plain, or a map. In the map a budget is found by its id, `{ behind, unit, burst,
 * at, units... }`: of GCRA `behind` is -1 and `at` is when it is full; of a window they are how many stretches count
 * behind the newest, and which that is. Ids begin with `g`, a digit or a word; `r` has what is reserved by id, `{ id,
 * lapses, mark }` in order of charging; `x` is a block, `{ until, duration }`. `touched` has the ids of the plan, in its order.
 */
const LOAD = `
local budgets = {}
if stored and size < 128 then
  local state = { struct.unpack('<' .. string.rep('ddd', size), stored, 2) }
  local at = 0
  for _, _, id in string.gmatch(string.sub(stored, size * 24 + 2), ${LINE}) do
    budgets[id] = { -1, state[at + 2], state[at + 3], state[at + 1] }
    at = at + 3
  end
  if at == 0 or at ~= size * 3 then return redis.error_reply('ERR no budgets') end
elseif stored then
  budgets = cmsgpack.unpack(stored)
end
local reserved, block = budgets.r or {}, budgets.x
budgets.r, budgets.x = nil, nil
local dirty, touched = false, {}
local ceil, max, min = math.ceil, math.max, math.min
local function touch(id)
  if not touched[id] then touched[id], touched[#touched + 1] = true, id end
end
`

/** Brings a budget to now, and a budget of GCRA to the rate of a charge; its last word is how much is owed. */
const BRING = `
local function bring(id, budget, unit, burst)
  touch(id)
  if budget[1] < 0 then
    local latest = now + budget[2] * budget[3]
    if budget[4] > latest then
      budget[4], reserved[id], dirty = latest, nil, true
    end
    local owed = max(0, budget[4] - now)
    if not unit then return owed end
    local carried = owed
    if budget[2] ~= unit then carried = ceil(owed / budget[2] * unit) end
    carried = min(carried, unit * burst)
    if carried ~= owed or budget[2] ~= unit then
      budget[4] = carried == 0 and 0 or now + carried
      reserved[id], dirty = nil, true
    end
    if budget[3] ~= burst then dirty = true end
    budget[2], budget[3] = unit, burst
    return carried
  end
  if foldBack(budget) then reserved[id], dirty = nil, true end
  if burst and budget[3] ~= burst then budget[3], dirty = burst, true end
  return unitsOf(budget)
end
`

/** Microseconds after which a lapsed reservation is cleared away. Until then a clock that steps back finds it. */
const FORGOTTEN = 600_000_000

/** Writes what changed, without what is as good as absent: plain if it can be. No value outlives its last use. */
const SAVE = `
local function plain(count)
  local lines, state = '', {}
  local function add(id)
    local budget = budgets[id]
    if not budget then return end
    lines = lines .. string.format('%d %d ', budget[2], budget[3]) .. id .. '\\n'
    state[#state + 1], state[#state + 2], state[#state + 3] = budget[4], budget[2], budget[3]
    budgets[id] = nil
  end
  for _, id in ipairs(touched) do add(id) end
  for id in pairs(budgets) do add(id) end
  return struct.pack('<B' .. string.rep('ddd', count), count, unpack(state)) .. lines
end

local function save()
  local latest, isPlain, count = max(now, block and block[1] or 0), not block, 0
  for id, budget in pairs(budgets) do
    local ends, open = 0, reserved[id]
    if budget[1] < 0 then
      ends = budget[4]
    else
      for at = 5, #budget do
        if budget[at] > 0 then ends = startOf(budget[2], budget[4] + budget[1] + 1) break end
      end
    end
    if open then
      local lapses = open[#open][2]
      for at = 1, #open - 1 do lapses = max(lapses, open[at][2]) end
      ends = max(ends, lapses)
      if lapses + ${FORGOTTEN} <= now then open, reserved[id] = nil, nil end
    end
    if ends > now or touched[id] then
      latest, count = max(latest, ends), count + 1
      isPlain = isPlain and budget[1] < 0 and not open
    else
      budgets[id], reserved[id] = nil, nil
    end
  end
  local value
  if isPlain and count > 0 and count <= ${MOST_PLAIN} then
    value = plain(count)
  else
    if next(reserved) then budgets.r = reserved end
    budgets.x = block
    value = cmsgpack.pack(budgets)
  end
  WRITE
end
`

const CONSUME = `
local blocked = 0
if block then
  if block[1] > now + block[2] then block[1], dirty = now + block[2], true end
  blocked = max(0, block[1] - now)
  if blocked == 0 then block, dirty = nil, true end
end

local isAsked, reservation, lasting, replaced = true, '', 0, ''
if not common then isAsked, reservation, lasting, replaced = ARGV[3] == '1', ARGV[4], tonumber(ARGV[5]), ARGV[6] end
local charges, count, outcome = {}, 0, 0
for unit, burst, id in string.gmatch(plan, ${LINE}) do
  unit, burst, count = tonumber(unit) or unit, tonumber(burst), count + 1
  local cost, behind = common or tonumber(ARGV[6 + count]), -1
  if string.sub(id, 1, 1) ~= 'g' then behind = tonumber((string.match(id, '^%w+/(%d+) '))) end
  local budget, owed, wait = budgets[id], 0, 0
  if budget then
    owed = bring(id, budget, unit, burst)
  else
    budget = { behind, unit, burst, behind < 0 and 0 or stretchAt(unit, now) }
    if behind >= 0 then budget[5] = 0 end
  end
  if cost > burst then
    wait = -1
    outcome = 2
  else
    if behind < 0 then
      wait = max(0, owed + unit * cost - unit * burst)
    elseif cost > 0 and owed + cost > burst then
      wait = untilGone(budget, owed + cost - burst)
    end
    wait = max(wait, blocked)
    if wait > 0 and outcome == 0 then outcome = blocked > 0 and 3 or 1 end
  end
  charges[count] = { id, budget, owed, cost, wait }
end

local takes = outcome == 0 and isAsked
local reply = { outcome }
for nth = 1, count do
  local charge = charges[nth]
  local id, budget, owed, cost, wait = charge[1], charge[2], charge[3], charge[4], charge[5]
  local unit, burst = budget[2], budget[3]
  local taken = takes and cost or 0
  local remaining, renewal = 0, 0
  if budget[1] < 0 then
    local after = owed + unit * taken
    remaining = floor((unit * burst - after) / unit)
    if after > 0 then renewal = after - unit * (burst - remaining - 1) end
  else
    local units = owed + taken
    remaining = max(0, burst - units)
    if units > 0 then renewal = untilGone(budget, max(1, units - burst + 1)) end
  end
  if blocked > 0 then remaining, renewal = 0, max(renewal, blocked) end
  reply[nth * 3 - 1], reply[nth * 3], reply[nth * 3 + 1] = remaining, renewal, wait

  if takes and (cost > 0 or reservation ~= '') then
    budgets[id], dirty = budget, true
    touch(id)
    local open = reserved[id]
    if budget[1] < 0 then
      if cost > 0 then
        if open then
          for at = 1, #open do open[at][3] = max(open[at][3], now) + unit * cost end
        end
        budget[4] = max(budget[4], now) + unit * cost
      end
    else
      countIn(budget, cost)
    end
    if reservation ~= '' then
      local valid = {}
      for _, one in ipairs(open or {}) do
        if one[2] > now and one[1] ~= replaced then valid[#valid + 1] = one end
      end
      if #valid == ${MOST_RESERVATIONS} then table.remove(valid, 1) end
      valid[#valid + 1] = { reservation, now + lasting, budget[1] < 0 and 0 or budget[4] }
      reserved[id] = valid
    end
  end
end
if dirty then save() end
return reply
`

const SETTLE = `
local settled = 0
for at = 2, LAST, 3 do
  local id, cost, actual = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local budget = budgets[id]
  local owed = budget and bring(id, budget)
  local open = reserved[id]
  for place, one in ipairs(open or {}) do
    if one[1] == ARGV[1] then
      table.remove(open, place)
      dirty = true
      if one[2] > now then
        settled = settled + 1
        local unit = budget[2]
        if budget[1] < 0 and actual <= cost then
          local refund = unit * (cost - actual)
          budget[4] = max(budget[4] - refund, one[3])
          for older = 1, place - 1 do open[older][3] = max(open[older][3] - refund, one[3]) end
        elseif budget[1] < 0 then
          local time = min(unit * (actual - cost), unit * budget[3] - owed)
          if time > 0 then
            for _, other in ipairs(open) do other[3] = max(other[3], now) + time end
            budget[4] = max(budget[4], now) + time
          end
        elseif actual > cost then
          countIn(budget, min(actual - cost, max(0, budget[3] - owed)))
        else
          local stretch = 5 + budget[4] - one[3]
          if stretch <= #budget then budget[stretch] = budget[stretch] - (cost - actual) end
        end
      end
      if #open == 0 then reserved[id] = nil end
      break
    end
  end
end
if dirty then save() end
return settled
`

const BLOCK = `
local duration = tonumber(ARGV[1])
block = duration > 0 and { now + duration, duration } or nil
for id in pairs(budgets) do touch(id) end
save()
return 0
`
