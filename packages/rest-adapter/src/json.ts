import { type Refusal, refuse } from '@headgate/core'

/** The deepest nesting that is read. A validator that recurses over more would end with a full stack. */
export const DEEPEST_NESTING = 100

/** Reads content as JSON, or says why it can't be. A refusal never repeats the content. */
export function parseJson(content: Uint8Array): { readonly value: unknown } | Refusal {
  let value: unknown
  try {
    value = JSON.parse(decode(content))
  } catch {
    return refuse('body-malformed', { detail: 'The body is not JSON in UTF-8.' })
  }
  const flaw = flawOf(value)
  return flaw === undefined ? { value } : refuse('body-malformed', { detail: flaw })
}

function decode(content: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(content)
}

/**
 * `JSON.parse` itself is safe from `__proto__`: it makes an own member. Whoever merges the value later may not be,
 * so names that reach a prototype are refused. Goes level by level: deep content must not fill the stack here.
 */
function flawOf(root: unknown): string | undefined {
  let level: unknown[] = [root]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth >= DEEPEST_NESTING) return `The body is nested more than ${DEEPEST_NESTING} levels deep.`
    const below: unknown[] = []
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue
      if (reachesPrototype(value)) return 'The body has a member whose name is not allowed.'
      for (const member of Object.values(value)) {
        if (typeof member === 'object' && member !== null) below.push(member)
      }
    }
    level = below
  }
  return undefined
}

function reachesPrototype(value: object): boolean {
  if (Object.hasOwn(value, '__proto__')) return true
  if (!Object.hasOwn(value, 'constructor')) return false
  const { constructor } = value as { constructor: unknown }
  return typeof constructor === 'object' && constructor !== null && Object.hasOwn(constructor, 'prototype')
}
