import { MOST_RESERVATIONS } from '../../rate-limit/store.js'
import { redisScript, type RedisScript } from './script.js'
import { SERVER_TIME, type ScriptTime } from './script-time.js'

/** The scripts over the budgets of one key. */
export interface BudgetScripts {
  /**
   * Key: the budgets. Arguments: `1` to take or `0` to look; the id and the microseconds of a reservation, or `''` and
   * 0; then of each charge its budget's id, the stretches behind the current one (-1: GCRA), the microseconds of a unit
   * or a stretch, the burst and the cost.
   *
   * Reply: 0 admitted, 1 denied, 2 impossible; then of each charge what remains, renewal and wait (-1: never).
   */
  readonly consume: RedisScript
  /** Key: the budgets. Arguments: the id of the reservation; then of each charge its budget's id, reserved and real cost. */
  readonly settle: RedisScript
  /** Key: the budgets. Argument: the microseconds. */
  readonly block: RedisScript
}

/** Makes the scripts. The rules are those of `rate-limit/gcra-budget.ts` and `window-budget.ts`, line by line. */
export function budgetScripts(time: ScriptTime = SERVER_TIME): BudgetScripts {
  const head = `local now = ${time.now}\n${LOAD}`
  const tail = SAVE.replace('TTL', `ceil((latest - now) / 1000) + ${time.grace}`)
  const withLast = (lua: string): string =>
    lua.replace('LAST', time.last).replace('MOST_RESERVATIONS', String(MOST_RESERVATIONS))
  return {
    consume: redisScript(head + BRING + tail + withLast(CONSUME)),
    settle: redisScript(head + BRING + tail + withLast(SETTLE)),
    block: redisScript(head + tail + BLOCK),
  }
}

/**
 * All budgets of a key are one value, a map. By its id, a budget is `{ behind, unit, burst, at, units... }`, where `at` is
 * when a budget of GCRA is full, or the newest stretch of a window. Ids begin with `g` or a digit; `r` has what is
 * reserved by id, `{ id, lapses, mark }` in order of charging; `x` is a block, `{ until, duration }`.
 */
const LOAD = `
local stored = redis.call('GET', KEYS[1])
local budgets = stored and cmsgpack.unpack(stored) or {}
local reserved, block = budgets.r or {}, budgets.x
budgets.r, budgets.x = nil, nil
local dirty, touched = false, {}
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
`

/** Brings a budget to now, and a budget of GCRA to the rate of a charge; its last word is how much is owed. */
const BRING = `
local function bring(id, budget, unit, burst)
  touched[id] = true
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
  local passed = floor(now / budget[2]) - budget[4]
  local units = 0
  if passed < 0 then
    for at = 5, #budget do units = units + budget[at] end
    for at = #budget, 6, -1 do budget[at] = nil end
    budget[5], reserved[id], dirty = units, nil, true
  elseif passed > 0 then
    local most = 5 + budget[1]
    for at = min(most, #budget + passed), 5, -1 do
      budget[at] = at - passed >= 5 and budget[at - passed] or 0
    end
  end
  if passed ~= 0 then budget[4] = budget[4] + passed end
  if burst and budget[3] ~= burst then budget[3], dirty = burst, true end
  units = 0
  for at = 5, #budget do units = units + budget[at] end
  return units
end
`

/** Writes what changed, without what is as good as absent. No value outlives its last use. */
const SAVE = `
local function save()
  local latest = block and block[1] or now
  for id, budget in pairs(budgets) do
    local ends, open = 0, reserved[id]
    if budget[1] < 0 then
      ends = budget[4]
    else
      for at = 5, #budget do
        if budget[at] > 0 then ends = (budget[4] + budget[1] + 1) * budget[2] break end
      end
    end
    if open then
      for at = 1, #open do ends = max(ends, open[at][2]) end
    end
    if ends > now or touched[id] then
      latest = max(latest, ends)
    else
      budgets[id], reserved[id] = nil, nil
    end
  end
  if next(reserved) then budgets.r = reserved end
  budgets.x = block
  redis.call('SET', KEYS[1], cmsgpack.pack(budgets), 'PX', max(1, TTL))
end
`

const CONSUME = `
local function untilGone(budget, units, taken)
  for at = #budget, 5, -1 do
    units = units - budget[at] - (at == 5 and taken or 0)
    if units <= 0 then return (budget[4] - (at - 5) + budget[1] + 1) * budget[2] - now end
  end
  return 0
end

local blocked = 0
if block then
  if block[1] > now + block[2] then block[1], dirty = now + block[2], true end
  blocked = max(0, block[1] - now)
  if blocked == 0 then block, dirty = nil, true end
end

local charges, count, outcome = {}, 0, 0
for at = 4, LAST, 5 do
  local id, behind, unit = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local burst, cost = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local budget, owed, wait = budgets[id], 0, 0
  if budget then
    owed = bring(id, budget, unit, burst)
  else
    budget = { behind, unit, burst, behind < 0 and 0 or floor(now / unit) }
    if behind >= 0 then budget[5] = 0 end
  end
  if cost > burst then
    wait = -1
    outcome = 2
  else
    if behind < 0 then
      wait = max(0, owed + unit * cost - unit * burst)
    elseif cost > 0 and owed + cost > burst then
      wait = untilGone(budget, owed + cost - burst, 0)
    end
    wait = max(wait, blocked)
    if wait > 0 and outcome == 0 then outcome = 1 end
  end
  count = count + 1
  charges[count] = { id, budget, owed, cost, wait }
end

local takes = outcome == 0 and ARGV[1] == '1'
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
    if units > 0 then renewal = untilGone(budget, max(1, units - burst + 1), taken) end
  end
  if blocked > 0 then remaining, renewal = 0, max(renewal, blocked) end
  reply[nth * 3 - 1], reply[nth * 3], reply[nth * 3 + 1] = remaining, renewal, wait

  if takes and (cost > 0 or ARGV[2] ~= '') then
    budgets[id], dirty, touched[id] = budget, true, true
    local open = reserved[id]
    if budget[1] < 0 then
      if cost > 0 then
        if open then
          for at = 1, #open do open[at][3] = max(open[at][3], now) + unit * cost end
        end
        budget[4] = max(budget[4], now) + unit * cost
      end
    else
      budget[5] = budget[5] + cost
    end
    if ARGV[2] ~= '' then
      local valid = {}
      for _, one in ipairs(open or {}) do if one[2] > now then valid[#valid + 1] = one end end
      if #valid == MOST_RESERVATIONS then table.remove(valid, 1) end
      valid[#valid + 1] = { ARGV[2], now + tonumber(ARGV[3]), budget[1] < 0 and 0 or budget[4] }
      reserved[id] = valid
    end
  end
end
if dirty then save() end
return reply
`

const SETTLE = `
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
          budget[5] = budget[5] + min(actual - cost, max(0, budget[3] - owed))
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
return 0
`

const BLOCK = `
local duration = tonumber(ARGV[1])
block = duration > 0 and { now + duration, duration } or nil
for id in pairs(budgets) do touched[id] = true end
save()
return 0
`
