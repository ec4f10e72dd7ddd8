// @ts-check
/// <reference types="node" />

/**
 * The bytes that are alive, buffers included. Collected until it does not fall any more: weak references and what
 * finalizers free take more than one round. The resident size of a process would hide a leak.
 *
 * @returns {Promise<number>}
 */
export async function liveHeap() {
  if (global.gc === undefined) throw new Error('soak: start node with --expose-gc')
  let least = Infinity
  for (let round = 0; round < 8; round += 1) {
    await new Promise((resolve) => void setImmediate(resolve))
    global.gc()
    const { heapUsed, external } = process.memoryUsage()
    if (heapUsed + external > least - 1_024) return Math.min(least, heapUsed + external)
    least = heapUsed + external
  }
  return least
}
