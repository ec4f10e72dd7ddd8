import type { CalendarRate, WindowRate } from '../rate-limit/rate.js'

/** How the time of a window is cut into stretches. Times are microseconds. */
export interface Stretches {
  /** Tells apart rates whose budgets are apart. */
  readonly name: string
  /** How many behind the current one count. */
  readonly behind: number
  readonly stretchAt: (time: number) => number
  readonly startOf: (stretch: number) => number
}

const DAY = 86_400_000_000
/** The first one after the Unix epoch: 1970-01-05. */
const MONDAY = 4 * DAY
const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

/** How the model cuts the time of a rate, written for reading: the calendar is a list of months, counted out by days. */
export function stretchesOf({ algorithm, window }: WindowRate | CalendarRate): Stretches {
  if (window === 'month') {
    return {
      name: window,
      behind: 0,
      stretchAt: (time) => MONTHS.findLastIndex((start) => start <= time),
      startOf: (stretch) => MONTHS[stretch] ?? Number.NaN,
    }
  }
  if (window === 'week') return evenly(window, 7 * DAY, 0, MONDAY)
  return algorithm === 'fixed-window'
    ? evenly(algorithm, window, 0)
    : evenly(algorithm, Math.ceil(window / 10), 10)
}

function evenly(name: string, width: number, behind: number, from = 0): Stretches {
  return {
    name: `${name} ${width}`,
    behind,
    stretchAt: (time) => Math.floor((time - from) / width),
    startOf: (stretch) => from + stretch * width,
  }
}

/** When each month begins, from 1970 to 2199. */
const MONTHS = beginnings(1970, 2199)

function beginnings(first: number, last: number): readonly number[] {
  const all: number[] = []
  let days = 0
  for (let year = first; year <= last; year += 1) {
    const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
    for (const [month, length] of LENGTHS.entries()) {
      all.push(days * DAY)
      days += month === 1 && isLeap ? 29 : length
    }
  }
  return all
}
