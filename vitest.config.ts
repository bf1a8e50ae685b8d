import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const shared = {
  testTimeout: 20_000,
  hookTimeout: 30_000,
  expect: { poll: { timeout: 10_000 } },
  server: { deps: { external: [/\/dist\//] } }, // what is built is tested as it is
};

/**
 * They want the machine for themselves: a full load that gets no processor drains no bucket, and who listens on every
 * address takes ports that a cluster of another test has just found free.
 */
const ALONE = ['test/ports-taken.test.ts', 'test/runs/readme.test.ts'];

/** They wait for servers to start and to fail over more than they need a processor. The longest come first. */
const WAITING = [
  'test/runs/docker.test.ts',
  'test/runs/interrupted.test.ts',
  'test/up-down.test.ts',
  'test/runs/disasters.test.ts',
  'test/redis-port-on-cluster.test.ts',
  'test/regions/local.test.ts',
  'test/regions/docker.test.ts',
  'test/state-folder.test.ts',
  'test/runs/standing.test.ts',
  'test/runs/side-by-side.test.ts',
  'test/inspect.test.ts',
  'test/runs/limiter-plugin.test.ts',
  'test/runs/matrix.test.ts',
  'test/runs/acked.test.ts',
  'test/runs/html.test.ts',
  'test/two-programs.test.ts',
  'test/runs/bench.test.ts',
  'test/lost-replies.test.ts',
  'test/lease.test.ts',
  'test/acked-limiter.test.ts',
  'test/faults.test.ts',
  'test/runs/chaos.test.ts',
  'test/terminal.test.ts',
  'test/completion.test.ts',
  'test/redis-port-conformance.test.ts',
  'test/lease-on-cluster.test.ts',
  'test/packed-package.test.ts',
  'test/acked-port.test.ts',
  'test/serve-failures.test.ts',
  'test/hostile-plugins.test.ts',
  'test/regions/settle.test.ts',
  'test/regions/form-cluster.test.ts',
  'test/interrupted-check.test.ts',
];

/** So that no long file is left to run alone at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = WAITING.findIndex((path) => moduleId.endsWith(path));
      return at < 0 ? WAITING.length : at;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...shared,
          name: 'parts',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...WAITING, ...ALONE],
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...shared, name: 'waiting', include: WAITING, maxWorkers: 5, sequence: { groupOrder: 1 } } },
      { test: { ...shared, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
