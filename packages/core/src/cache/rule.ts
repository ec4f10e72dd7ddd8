import { milliseconds } from '../duration.js'
import type { CacheRule } from '../operation.js'
import { isFieldName } from './list.js'
import { type FieldNames, fieldNames } from './vary.js'

/** An operation's rule, checked and in milliseconds. */
export interface CheckedRule {
  readonly ttl: number | undefined
  readonly isPublic: boolean
  readonly vary: FieldNames
}

/**
 * Makes a function that checks each rule once: a route has one and the same for every request, and what says nothing is
 * made anew for each.
 */
export function ruleChecker(): (rule: CacheRule) => CheckedRule {
  const checked = new WeakMap<CacheRule, CheckedRule>()
  const nothing = checkRule({})
  return (rule) => {
    if (rule.ttl === undefined && rule.public === undefined && rule.vary === undefined) return nothing
    const known = checked.get(rule)
    if (known !== undefined) return known
    const made = checkRule(rule)
    checked.set(rule, made)
    return made
  }
}

/** @throws TypeError that names what is wrong with the rule. */
export function checkRule({ ttl, public: isPublic = false, vary = [] }: CacheRule): CheckedRule {
  if (typeof isPublic !== 'boolean') throw new TypeError('cache: public must be true or false')
  if (!Array.isArray(vary) || !vary.every((name) => typeof name === 'string' && isFieldName(name))) {
    throw new TypeError('cache: vary must be an array of header field names')
  }
  if (vary.includes('*')) throw new TypeError("cache: vary must not hold '*'; say cache: 'off' instead")
  return {
    ttl: ttl === undefined ? undefined : milliseconds('cache: ttl', ttl),
    isPublic,
    vary: fieldNames(vary),
  }
}
