import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/support/closing-line.ts'
import { testProjects } from './test/support/projects.ts'

/** The fast suite. The slow one: vitest.long.config.ts. */
export default defineConfig({
  test: {
    globalSetup: './test/global-setup.ts',
    reporters: ['default', new ClosingLine()],
    coverage: {
      provider: 'istanbul', // The one that works inside workerd.
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'html', 'json-summary'],
      thresholds: { lines: 85, branches: 80 },
    },
    projects: testProjects('fast'),
  },
})
