// @ts-check
const INTERVAL = 10
const PATIENCE = 20_000

/**
 * Waits until a server is in some state: another process tells nobody when it gets there.
 *
 * @param {string} what for the error.
 * @param {() => Promise<boolean>} isSo
 */
export async function poll(what, isSo) {
  const end = performance.now() + PATIENCE
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what} is not there after ${PATIENCE} ms`)
    await new Promise((resolve) => setTimeout(resolve, INTERVAL))
  }
}
