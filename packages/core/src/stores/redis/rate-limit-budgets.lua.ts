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
  const tail = SAVE.replace('TTL', `math.ceil((latest - now) / 1000) + ${time.grace}`)
  const withLast = (lua: string): string =>
    lua.replace('LAST', time.last).replace('MOST_RESERVATIONS', String(MOST_RESERVATIONS))
  return {
    consume: redisScript(head + BRING + tail + withLast(CONSUME)),
    settle: redisScript(head + BRING + tail + withLast(SETTLE)),
    block: redisScript(head + tail + BLOCK),
  }
}

/**
 * All budgets of a key are one value, found by id: `b` has `{ behind, unit, burst, at, units... }`, where `at` is when a
 * budget of GCRA is full, or the newest stretch of a window; `r` has what is reserved, `{ id, lapses, mark }` in order
 * of charging; `x` is a block, `{ until, duration }`.
 */
const LOAD = `
local stored = redis.call('GET', KEYS[1])
local all = stored and cmsgpack.unpack(stored) or { b = {}, r = {} }
local budgets, reserved = all.b, all.r
local dirty, touched = false, {}
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
    local owed = math.max(0, budget[4] - now)
    if not unit then return owed end
    local carried = owed
    if budget[2] ~= unit then carried = math.ceil(owed / budget[2] * unit) end
    carried = math.min(carried, unit * burst)
    if carried ~= owed or budget[2] ~= unit then
      budget[4] = carried == 0 and 0 or now + carried
      reserved[id], dirty = nil, true
    end
    if budget[3] ~= burst then dirty = true end
    budget[2], budget[3] = unit, burst
    return carried
  end
  local passed = math.floor(now / budget[2]) - budget[4]
  local units = 0
  if passed < 0 then
    for at = 5, #budget do units = units + budget[at] end
    for at = #budget, 6, -1 do budget[at] = nil end
    budget[5], reserved[id], dirty = units, nil, true
  elseif passed > 0 then
    local most = 5 + budget[1]
    for at = math.min(most, #budget + passed), 5, -1 do
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
  local latest = all.x and all.x[1] or now
  for id, budget in pairs(budgets) do
    local ends = 0
    if budget[1] < 0 then
      ends = budget[4]
    else
      for at = 5, #budget do
        if budget[at] > 0 then ends = (budget[4] + budget[1] + 1) * budget[2] break end
      end
    end
    for _, one in ipairs(reserved[id] or {}) do ends = math.max(ends, one[2]) end
    if ends > now or touched[id] then
      latest = math.max(latest, ends)
    else
      budgets[id], reserved[id] = nil, nil
    end
  end
  redis.call('SET', KEYS[1], cmsgpack.pack(all), 'PX', math.max(1, TTL))
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
if all.x then
  if all.x[1] > now + all.x[2] then all.x[1], dirty = now + all.x[2], true end
  blocked = math.max(0, all.x[1] - now)
  if blocked == 0 then all.x, dirty = nil, true end
end

local charges, outcome = {}, 0
for at = 4, LAST, 5 do
  local id, behind, unit = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local burst, cost = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local budget, owed, wait = budgets[id], 0, 0
  if budget then
    owed = bring(id, budget, unit, burst)
  else
    budget = { behind, unit, burst, behind < 0 and 0 or math.floor(now / unit) }
    if behind >= 0 then budget[5] = 0 end
  end
  if cost > burst then
    wait = -1
    outcome = 2
  else
    if behind < 0 then
      wait = math.max(0, owed + unit * cost - unit * burst)
    elseif cost > 0 and owed + cost > burst then
      wait = untilGone(budget, owed + cost - burst, 0)
    end
    wait = math.max(wait, blocked)
    if wait > 0 and outcome == 0 then outcome = 1 end
  end
  charges[#charges + 1] = { id, budget, owed, cost, wait }
end

local takes = outcome == 0 and ARGV[1] == '1'
local reply = { outcome }
for _, charge in ipairs(charges) do
  local id, budget, owed, cost, wait = charge[1], charge[2], charge[3], charge[4], charge[5]
  local unit, burst = budget[2], budget[3]
  local taken = takes and cost or 0
  local remaining, renewal = 0, 0
  if budget[1] < 0 then
    local after = owed + unit * taken
    remaining = math.floor((unit * burst - after) / unit)
    if after > 0 then renewal = after - unit * (burst - remaining - 1) end
  else
    local units = owed + taken
    remaining = math.max(0, burst - units)
    if units > 0 then renewal = untilGone(budget, math.max(1, units - burst + 1), taken) end
  end
  if blocked > 0 then remaining, renewal = 0, math.max(renewal, blocked) end
  reply[#reply + 1] = remaining
  reply[#reply + 1] = renewal
  reply[#reply + 1] = wait

  if takes and (cost > 0 or ARGV[2] ~= '') then
    budgets[id], dirty, touched[id] = budget, true, true
    local open = reserved[id]
    if budget[1] < 0 then
      if cost > 0 then
        for _, one in ipairs(open or {}) do one[3] = math.max(one[3], now) + unit * cost end
        budget[4] = math.max(budget[4], now) + unit * cost
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
          budget[4] = math.max(budget[4] - refund, one[3])
          for older = 1, place - 1 do open[older][3] = math.max(open[older][3] - refund, one[3]) end
        elseif budget[1] < 0 then
          local time = math.min(unit * (actual - cost), unit * budget[3] - owed)
          if time > 0 then
            for _, other in ipairs(open) do other[3] = math.max(other[3], now) + time end
            budget[4] = math.max(budget[4], now) + time
          end
        elseif actual > cost then
          budget[5] = budget[5] + math.min(actual - cost, math.max(0, budget[3] - owed))
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
all.x = duration > 0 and { now + duration, duration } or nil
for id in pairs(budgets) do touched[id] = true end
save()
return 0
`
