import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const shared = {
  testTimeout: 60_000, // most take milliseconds; a busy machine can need a hundred times as long
  hookTimeout: 60_000,
  expect: { poll: { timeout: 10_000 } },
  server: { deps: { external: [/\/dist\//] } }, // the build is tested unchanged
};

/** Limited by the processor. Groups run one after the other. */
const BUSY = { sequence: { groupOrder: 0 }, maxWorkers: 3 };
/** Mostly waiting for servers to start and to fail over. */
const WAITING = { sequence: { groupOrder: 1 }, maxWorkers: 5 };
/** Run alone: a starved load generator drains no bucket. */
const ALONE = { sequence: { groupOrder: 2 }, maxWorkers: 1 };

/** Each folder below test/ is a project, named after what its tests need. */
function projectOf(name: string, group: object, more: object = { include: [`test/${name}/**/*.test.ts`] }) {
  return { test: { ...shared, ...group, ...more, name } };
}

/** Need only Node.js. They share loaded modules: loading takes longer than most of the tests. */
const UNIT = { include: ['src/**/*.test.ts', 'test/unit/**/*.test.ts'], isolate: false };

/** Of the packages, which are packed once for all files. */
const PACKED = { include: ['test/packages/**/*.test.ts'], globalSetup: ['test/support/packed.ts'] };

/** Files that take long, the longest first. Started last, one of them alone would keep everything waiting. */
const LONGEST = [
  'runs/sentinel',
  'docker/runs',
  'runs/interrupted',
  'runs/disasters',
  'runs/limiter-plugin',
  'runs/services',
  'runs/several-policies',
  'runs/standing',
  'runs/matrix',
  'runs/several-machines',
  'runs/screens',
  'runs/instances',
  'runs/fault-by-command',
  'cluster/sentinel',
  'runs/endpoints',
  'docs/pages',
  'cluster/regions',
  'load/cli/services-by-endpoints',
  'load/cli/load-part',
  'load/cli/audit',
].map((name) => `/test/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      projectOf('unit', BUSY, UNIT),
      projectOf('process', BUSY),
      projectOf('load', WAITING),
      projectOf('smoke', WAITING), // `npm test` runs unit, process, load and smoke
      projectOf('redis', BUSY),
      projectOf('verdicts', BUSY),
      projectOf('cluster', WAITING),
      projectOf('runs', WAITING),
      projectOf('docs', WAITING),
      projectOf('packages', WAITING, PACKED),
      projectOf('docker', WAITING),
      projectOf('browser', WAITING),
      projectOf('alone', ALONE),
    ],
  },
});
