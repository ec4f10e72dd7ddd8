/**
 * Lua: the number of the stretch that a time is in, and when a stretch begins, as in `rate-limit/calendar.ts`. A stretch
 * is so many microseconds, a `'week'`, or a `'month'`, for which Redis has no function: the day is counted in years that
 * begin in March, where the leap day comes last, and in eras of 400 of them, which all have 146,097 days.
 */
export const CALENDAR = `
local floor = math.floor
local function stretchAt(unit, time)
  if unit == 'week' then return floor((time + 259200000000) / 604800000000) end
  if unit ~= 'month' then return floor(time / unit) end
  local days = floor(time / 86400000000) + 719468
  local era = floor(days / 146097)
  local day = days - era * 146097
  local year = floor((day - floor(day / 1460) + floor(day / 36524) - floor(day / 146096)) / 365)
  day = day - 365 * year - floor(year / 4) + floor(year / 100)
  return (era * 400 + year) * 12 + floor((5 * day + 2) / 153) - 23638
end

local function startOf(unit, stretch)
  if unit == 'week' then return stretch * 604800000000 - 259200000000 end
  if unit ~= 'month' then return stretch * unit end
  local months = stretch + 23638
  local year = floor(months / 12)
  local day = 365 * year + floor(year / 4) - floor(year / 100) + floor(year / 400)
  return (day + floor((153 * (months % 12) + 2) / 5) - 719468) * 86400000000
end
`
