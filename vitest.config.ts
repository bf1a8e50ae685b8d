import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const shared = { testTimeout: 20_000, hookTimeout: 30_000 };

/** Most of their time is waiting, for servers to start and to fail over. */
const LONGEST = [
  'test/runs/docker.test.ts',
  'test/runs/interrupted.test.ts',
  'test/up-down.test.ts',
  'test/runs/disasters.test.ts',
  'test/redis-port-on-cluster.test.ts',
  'test/inspect.test.ts',
  'test/regions/local.test.ts',
  'test/state-folder.test.ts',
  'test/regions/docker.test.ts',
  'test/lease.test.ts',
  'test/runs/limiter-plugin.test.ts',
  'test/runs/standing.test.ts',
  'test/runs/side-by-side.test.ts',
  'test/faults.test.ts',
  'test/runs/acked.test.ts',
  'test/acked-limiter.test.ts',
  'test/two-programs.test.ts',
  'test/lost-replies.test.ts',
  'test/runs/matrix.test.ts',
  'test/packed-package.test.ts',
  'test/take-agrees.test.ts',
  'test/redis-port-conformance.test.ts',
  'test/runs/html.test.ts',
  'test/check.test.ts',
  'test/terminal.test.ts',
  'test/audit.test.ts',
  'test/html/page.test.ts',
  'test/lease-exploration.test.ts',
  'test/lease-on-cluster.test.ts',
  'test/runs/chaos.test.ts',
];

/** So that no long file is left to run alone at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((path) => moduleId.endsWith(path));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

/** These want the machine for themselves: a load that gets no processor drains no bucket. */
const WHOLE_RUNS = ['test/runs/bench.test.ts', 'test/runs/readme.test.ts'];

export default defineConfig({
  test: {
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
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
