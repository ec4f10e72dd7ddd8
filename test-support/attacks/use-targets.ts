import { afterEach } from '@jest/globals'
import { openTarget, type Target, type TargetOptions } from './target.js'

/** Gives the tests of a file gateways of their own. Each is closed when its test ends. */
export function useTargets(): (options?: TargetOptions) => Promise<Target> {
  const opened: Target[] = []
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()))
  })
  return async (options = {}) => {
    const target = await openTarget(options)
    opened.push(target)
    return target
  }
}
