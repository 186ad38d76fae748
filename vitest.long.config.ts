import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/support/closing-line.ts'
import { testProjects } from './test/support/projects.ts'

/** Races, faults, soaks and imports: `*.long.test.ts`. */
export default defineConfig({
  test: {
    globalSetup: './test/global-setup.ts',
    reporters: ['default', new ClosingLine()],
    projects: testProjects('long'),
  },
})
