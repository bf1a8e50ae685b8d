import { describe, expect, it } from 'vitest';
import type { ProviderName } from '../regions/choose-provider.ts';
import { parseScenario } from '../scenario/parse.ts';
import type { Plan, PlannedFault } from '../scenario/plan.ts';
import { checkPlan, loadProcessesOf } from './check-plan.ts';

const FILE = `# What is checked before a run?
claims: [total-excess <= 0, failed <= 5% during partition]
faults: [{ fault: partition, mode: refuse, isolate: [eu-west], at: 1s, for: 1s }]
`;
const plan: Plan = parseScenario(FILE, { file: 'test.yaml' });
const check = (more: Partial<Plan>, provider: ProviderName = 'auto') =>
  checkPlan({ plan: { ...plan, ...more }, provider });

const COMMAND = { fault: 'command', inject: 'x', heal: 'x', limitMs: 1, atMs: 0, forMs: 1 } as const;

it('a simulation takes ten times as many users', () => {
  const large = { ...plan, load: { ...plan.load, users: 10_000_000 } };
  expect(checkPlan({ plan: large, provider: 'local', isSimulated: true })).toEqual(check({}));
});

describe('a plan that is about to be run', () => {
  it('gives its claims', () => {
    expect(check({}).map(({ text }) => text)).toEqual(plan.claims);
    expect(check({ limiter: '/mine.mjs' })).toEqual(check({}));
    expect(check({}, 'docker')).toEqual(check({}));
  });

  it.each<{ title: string; more: Partial<Plan>; provider?: ProviderName; error: object }>([
    {
      title: 'claims something of a phase it does not have',
      more: { faults: [] },
      error: { code: 'INVALID_CLAIM', message: expect.stringMatching(/its phases: whole run$/) },
    },
    {
      title: 'has more users than can be sent',
      more: { load: { ...plan.load, users: 1_000_001 } },
      error: {
        code: 'INVALID_OPTION',
        message: '1000001 users can only be simulated; at most 1000000 can be sent',
      },
    },
    ...[{ region: 'mars' }, { node: 'eu-west-7' }].map((place) => ({
      title: `proves a command by what it does not have: ${JSON.stringify(place)}`,
      more: { claims: [], faults: [{ ...COMMAND, probe: { probe: 'unreachable' as const, ...place } }] },
      error: {
        code: 'INVALID_OPTION',
        message: expect.stringMatching(
          /^probe: expected one of the (regions|nodes) .*; found "(mars|eu-west-7)"/,
        ),
      },
    })),
    ...(['store-outage', 'slow-store'] as const).map((fault) => ({
      title: `has ${fault} in containers`,
      more: {
        claims: [],
        faults: [{ fault, mode: 'refuse', latencyMs: 100, atMs: 0, forMs: 1 } as PlannedFault],
      },
      provider: 'docker' as const,
      error: { code: 'INVALID_OPTION', message: expect.stringMatching(/needs local regions/) },
    })),
    {
      title: 'has more regions than can be started',
      more: { claims: [], faults: [], topology: { ...plan.topology, regions: [...'abcdefghij'] } },
      error: {
        code: 'INVALID_OPTION',
        message: '10 regions can only be simulated; at most 9 can be started',
      },
    },
    {
      title: 'samples buckets of a real run',
      more: { claims: [], faults: [], sample: 0.1 },
      error: { code: 'INVALID_OPTION', message: 'a sample of the buckets is for simulations' },
    },
    {
      title: 'moves slots of one primary',
      more: {
        ...{ claims: [], topology: { ...plan.topology, kind: 'single' as const, replicas: 0 } },
        faults: [{ fault: 'move-slots', from: 'eu-west', to: 'us-east', slots: 1, atMs: 0, forMs: 1 }],
      },
      error: {
        code: 'INVALID_OPTION',
        message: expect.stringMatching(/needs a Redis Cluster over the regions/),
      },
    },
    {
      title: 'has a plug-in in containers',
      more: { limiter: '/mine.mjs' },
      provider: 'docker',
      error: { code: 'INVALID_OPTION', hint: 'remove --provider docker' },
    },
  ])('is refused where it $title', ({ more, provider = 'auto', error }) => {
    expect(() => check(more, provider)).toThrow(expect.objectContaining(error));
  });
});

describe('the load of a plan', () => {
  it.each([
    { title: 'one process for each region, with two cores for each', cores: 6, want: 3 },
    { title: 'this process, with fewer cores', cores: 5, want: 1 },
    { title: 'as many processes as it says, whatever the cores', processes: 2, cores: 1, want: 2 },
  ])('is sent by $title', ({ processes, cores, want }) => {
    const load = { ...plan.load, ...(processes !== undefined && { processes }) };
    expect(loadProcessesOf({ ...plan, load }, cores)).toBe(want);
  });

  it('is refused with more processes than regions', () => {
    expect(() => check({ load: { ...plan.load, processes: 4 } })).toThrow(
      '--load-processes: expected at most 3, one for each region; found 4',
    );
  });
});
