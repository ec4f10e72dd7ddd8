/**
 * HTTP dates (RFC 9110 5.6.7): IMF-fixdate, RFC 850, asctime.
 *
 * `Date.parse` is no parser for them: it takes `UTC`, a missing comma, double spaces and one-digit hours, and turns
 * what means "already expired" into a date in the future.
 */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const MONTH = `(${MONTHS.join('|')})`
const SHORT_DAY = '(?:mon|tue|wed|thu|fri|sat|sun)'
const LONG_DAY = '(?:mon|tues|wednes|thurs|fri|satur|sun)day'
const TIME = '(\\d\\d):(\\d\\d):(\\d\\d)'

// A cache should match dates without regard to case (RFC 9111 4.2).
const IMF_FIXDATE = new RegExp(`^${SHORT_DAY}, (\\d\\d) ${MONTH} (\\d{4}) ${TIME} GMT$`, 'i')
const RFC_850 = new RegExp(`^${LONG_DAY}, (\\d\\d)-${MONTH}-(\\d\\d) ${TIME} GMT$`, 'i')
const ASCTIME = new RegExp(`^${SHORT_DAY} ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`, 'i')

/** A two-digit year further ahead than this belongs to the last century (RFC 9110 5.6.7). */
const YEARS_AHEAD = 50

/**
 * Reads an HTTP date as milliseconds since the Unix epoch; undefined when it is not exactly one of the three forms.
 *
 * @param now decides the century of a two-digit year.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  const fixdate = IMF_FIXDATE.exec(text)
  if (fixdate !== null) return timestamp(fixdate[3], fixdate[2], fixdate[1], fixdate.slice(4))
  const rfc850 = RFC_850.exec(text)
  if (rfc850 !== null) return withCentury(rfc850, now)
  const asctime = ASCTIME.exec(text)
  if (asctime !== null) return timestamp(asctime[6], asctime[1], asctime[2], asctime.slice(3, 6))
  return undefined
}

/** Writes a time as an IMF-fixdate. */
export function formatHttpDate(time: number): string {
  return new Date(time).toUTCString()
}

function withCentury([, day, month, digits, ...time]: RegExpExecArray, now: number): number | undefined {
  const today = new Date(now)
  const year = today.getUTCFullYear() - (today.getUTCFullYear() % 100) + Number(digits)
  const read = timestamp(year, month, day, time)
  if (read === undefined) return undefined
  return read <= today.setUTCFullYear(today.getUTCFullYear() + YEARS_AHEAD)
    ? read
    : timestamp(year - 100, month, day, time)
}

function timestamp(
  year: string | number | undefined,
  month: string | undefined,
  day: string | undefined,
  time: readonly string[],
): number | undefined {
  const [hours = Number.NaN, minutes = Number.NaN, seconds = Number.NaN] = time.map(Number)
  // 60 is a leap second.
  if (!(hours < 24 && minutes < 60 && seconds <= 60)) return undefined
  // `Date.UTC` would move the years 0 to 99 into the twentieth century.
  const date = new Date(0)
  date.setUTCFullYear(Number(year), MONTHS.indexOf((month ?? '').toLowerCase()), Number(day))
  if (date.getUTCDate() !== Number(day)) return undefined
  return date.setUTCHours(hours, minutes, seconds)
}
