import { type Duration, milliseconds } from '../duration.js'
import { checkChoice } from '../options.js'

/** Windows that begin with the calendar of UTC. Weeks begin on Mondays. */
export type CalendarWindow = 'hour' | 'day' | 'week' | 'month'

/** The window of a quota, checked. */
export interface QuotaWindow {
  /** Milliseconds, or the stretch of the calendar where multiples of a length are something else. */
  readonly span: number | 'week' | 'month'
  /** Milliseconds; undefined where windows differ in length. */
  readonly length: number | undefined
  /** Whether it was given as one of the calendar. */
  readonly isCalendar: boolean
}

const CALENDAR: Readonly<Record<CalendarWindow, QuotaWindow>> = {
  hour: { span: 3_600_000, length: 3_600_000, isCalendar: true },
  day: { span: 86_400_000, length: 86_400_000, isCalendar: true },
  week: { span: 'week', length: 604_800_000, isCalendar: true },
  month: { span: 'month', length: undefined, isCalendar: true },
}

const WORDS = Object.keys(CALENDAR) as CalendarWindow[]

/** @throws TypeError that names the option when it is neither a duration nor a window of the calendar. */
export function checkWindow(option: string, value: Duration | CalendarWindow): QuotaWindow {
  if (typeof value === 'string' && /^[a-z]+$/i.test(value)) return CALENDAR[checkChoice(option, value, WORDS)]
  const length = milliseconds(option, value)
  return { span: length, length, isCalendar: false }
}
