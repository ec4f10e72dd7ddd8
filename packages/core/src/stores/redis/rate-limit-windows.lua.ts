/**
 * Lua: budgets that are counted in windows, as in `rate-limit/window.ts`: `{ behind, width, burst, newest, units... }`,
 * the units of the newest stretch first. A change moves them to the stretch of `now`; who only looks leaves them there.
 */
export const WINDOWS = `
local function unitsOf(budget)
  local units, last = 0, min(#budget, 5 + budget[1] + budget[4] - stretchAt(budget[2], now))
  for at = 5, last do units = units + budget[at] end
  return units
end

local function countIn(budget, units)
  local passed = stretchAt(budget[2], now) - budget[4]
  if passed > 0 then
    for at = min(5 + budget[1], #budget + passed), 5, -1 do
      budget[at] = at - passed >= 5 and budget[at - passed] or 0
    end
    budget[4] = budget[4] + passed
  end
  budget[5] = budget[5] + units
end

local function untilGone(budget, units)
  for at = #budget, 5, -1 do
    local gone = startOf(budget[2], budget[4] - (at - 5) + budget[1] + 1) - now
    if gone > 0 then units = units - budget[at] end
    if units <= 0 then return gone end
  end
  return startOf(budget[2], stretchAt(budget[2], now) + budget[1] + 1) - now
end

local function foldBack(budget)
  local index, units = stretchAt(budget[2], now), 0
  if index >= budget[4] then return false end
  for at = #budget, 5, -1 do units, budget[at] = units + budget[at], nil end
  budget[4], budget[5] = index, units
  return true
end
`
