export default {
  testEnvironment: 'node',
  // Packages and their subpaths resolve to sources: tests need no build.
  testEnvironmentOptions: { customExportConditions: ['@headgate/source', 'node', 'node-addons'] },
  roots: ['<rootDir>/packages', '<rootDir>/examples', '<rootDir>/test-support'],
  testMatch: ['**/test/**/*.test.ts'],
  // Ends what hangs. No test's verdict depends on how long it takes.
  testTimeout: 60_000,
  // Modules of a test file stay in memory as long as the process that ran it: one process for all needs 4 GB.
  maxWorkers: 2,
  workerIdleMemoryLimit: '1GB',
  reporters: ['default', '<rootDir>/test-support/closing-line.mjs'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  collectCoverageFrom: ['packages/*/src/**/*.ts'],
  coverageProvider: 'v8',
}
