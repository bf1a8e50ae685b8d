import { defineConfig } from 'vitest/config';

const shared = { testTimeout: 20_000, hookTimeout: 30_000 };

/** They wait for servers to start and to fail over more than they need a processor. */
const WAITING = [
  'test/completion.test.ts',
  'test/faults.test.ts',
  'test/inspect.test.ts',
  'test/lost-replies.test.ts',
  'test/redis-port-*.test.ts',
  'test/regions/**/*.test.ts',
  'test/state-folder.test.ts',
  'test/terminal.test.ts',
  'test/two-programs.test.ts',
  'test/up-down.test.ts',
  'test/runs/disasters.test.ts',
  'test/runs/docker.test.ts',
  'test/runs/interrupted.test.ts',
  'test/runs/standing.test.ts',
];

/** These want the machine for themselves: a load that gets no processor drains no bucket. */
const WHOLE_RUNS = ['test/runs/**/*.test.ts'];

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'parts',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...WAITING, ...WHOLE_RUNS],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: { ...shared, name: 'waiting', include: WAITING, maxWorkers: 4, sequence: { groupOrder: 1 } },
      },
      {
        test: {
          ...shared,
          name: 'whole runs',
          include: WHOLE_RUNS,
          exclude: WAITING,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
