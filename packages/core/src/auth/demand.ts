import type { Demand } from '../operation.js'

/**
 * The ways to meet a demand: each is a list of what must be held, all of it. An empty list, and what is no demand at
 * all, gives no way: it is met by nobody.
 */
export function alternativesOf(demand: Demand): readonly (readonly string[])[] {
  if (isAlternatives(demand)) return demand.filter(isWay)
  if (isList(demand)) return isWay(demand) ? [demand] : []
  if (typeof demand !== 'object' || demand === null) return []
  const { all, any } = demand
  if (all !== undefined && !isWay(all)) return []
  if (any === undefined) return all === undefined ? [] : [all]
  return isWay(any) ? any.map((one) => [...(all ?? []), one]) : []
}

/** Byte-exact membership: no prefix, no wildcard, no case folding. */
export function meets(held: readonly string[], demand: Demand): boolean {
  return alternativesOf(demand).some((all) => all.every((name) => held.includes(name)))
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

/** A list that mixes both forms is no way: its strings deny. */
function isAlternatives(demand: Demand): demand is readonly (readonly string[])[] {
  return isList(demand) && demand.length > 0 && demand.every(isList)
}

function isWay(all: unknown): all is readonly string[] {
  return isList(all) && all.length > 0 && all.every((name) => typeof name === 'string')
}
