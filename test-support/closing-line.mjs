// Prints `N passed, N failed, N skipped` as the very last line: Jest prints its own summary after every reporter.
import { writeSync } from 'node:fs'

export default class ClosingLine {
  onRunComplete(_contexts, results) {
    // A suite that fails to load has no failed test of its own: it still is a failure.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
    const skipped = results.numPendingTests + results.numTodoTests
    process.once('exit', () => {
      writeSync(1, `${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`)
    })
  }
}
