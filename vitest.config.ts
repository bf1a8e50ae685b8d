import { defineConfig } from 'vitest/config';

const shared = { testTimeout: 20_000, hookTimeout: 30_000 };

/** Whole runs want the machine for themselves: a load that gets no processor drains no bucket. */
const WHOLE_RUNS = [
  'test/bench*.test.ts',
  'test/faults.test.ts',
  'test/up-down.test.ts',
  'test/regions/**/*.test.ts',
];

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'parts',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: WHOLE_RUNS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'whole runs',
          include: WHOLE_RUNS,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
