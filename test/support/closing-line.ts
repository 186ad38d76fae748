import { writeSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** Prints `N passed, N failed` alone on the very last line, which is what CI reads; vitest words its own summary otherwise. */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    let passed = 0
    let failed = unhandledErrors.length
    for (const module of modules) {
      // A file that cannot be loaded, or a hook that fails, has no failed test to count.
      failed += module.errors().length
      for (const suite of module.children.allSuites()) failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed += 1
        if (state === 'failed') failed += 1
      }
    }
    // Coverage and its thresholds are reported after this call: only the end of the process is late enough.
    process.once('exit', () => writeSync(1, `${passed} passed, ${failed} failed\n`))
  }
}
