import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { StrategyName } from '../core/strategies.ts';
import type { Progress } from '../experiment/progress.ts';
import { makePlan } from '../scenario/make-plan.ts';
import type { Plan } from '../scenario/plan.ts';
import { DEFAULT_TOPOLOGY } from '../topology/topology.ts';
import { checkSimulatedPlan } from './check-simulated-plan.ts';
import { simulateHeld } from './held-run.ts';
import { type SimulationOptions, simulatePlan } from './run.ts';

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

interface Wanted {
  readonly strategy?: StrategyName;
  readonly seed?: number;
  readonly load?: Partial<Plan['load']>;
}

function planOf({ strategy = 'central', seed = 1, load }: Wanted = {}): Plan {
  return makePlan(
    {
      ...{ seed, strategy, onFailure: 'closed', instances: 1, homes: false, faults: [] },
      topology: DEFAULT_TOPOLOGY,
      policy: '20:5/s',
      load: {
        ...{ mode: 'closed', connections: 30, users: 12, skew: 0.7, roaming: 0.5, costs: [1] },
        ...{ rampMs: 0, durationMs: 2_000, ...load },
      },
      claims: ['total-excess <= 0', 'dishonest <= 0'],
    },
    { scenario: 'simulated', about: 'A small load.' },
  );
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'simulated-'));
  folders.push(folder);
  return folder;
}

async function simulate(plan: Plan, options: Partial<SimulationOptions> = {}) {
  const { folder = await makeFolder() } = options;
  const result = await simulatePlan({
    ...{ plan, folder, startedAt: new Date(), shell: { cwd: folder, env: {} } },
    signal: new AbortController().signal,
    onProgress: () => {},
    onExit: () => () => {},
    onLeftover: () => {},
    ...options,
  });
  return { ...result, history: await readFile(join(folder, 'history.ndjson'), 'utf8') };
}

describe('a simulated run', () => {
  it('is judged as a real one: every request is accounted for, and each decision is replayed', async () => {
    const { check, redisCalls } = await simulate(planOf());
    expect(check).toMatchObject({ verdict: 'pass', simulated: true });
    expect(redisCalls).toBe(check.outcomes.allowed + check.outcomes.denied); // by central, without faults
    expect(check.claims.filter(({ status }) => status !== 'holds')).toEqual([]);
    expect(check.outcomes.allowed).toBeGreaterThan(100);
    expect(check.outcomes.denied).toBeGreaterThan(300);
  });

  it('warms up for as long as its load says, 1 s by default', async () => {
    const warmedUp = async (warmUpMs?: number) => {
      const { history } = await simulate(planOf({ load: warmUpMs === undefined ? {} : { warmUpMs } }));
      return { history, startedMs: Date.parse(JSON.parse(history.split('\n')[0] ?? '').startedAt) };
    };
    const [byDefault, long, short] = [await warmedUp(), await warmedUp(1_000), await warmedUp(100)];
    expect(byDefault.history === long.history).toBe(true);
    expect(long.startedMs - short.startedMs).toBeGreaterThan(600); // the replies of the last requests are awaited
    expect(long.startedMs - short.startedMs).toBeLessThan(1_000);
  });

  it('writes the same history for the same seed, byte for byte, and another for another', async () => {
    const [first, second, other] = [
      await simulate(planOf()),
      await simulate(planOf()),
      await simulate(planOf({ seed: 2 })),
    ];
    expect(first.history === second.history).toBe(true);
    expect(first.history === other.history).toBe(false);
  });

  it('starts the requests of an open load when they are due', async () => {
    const load = { mode: 'open', ratePerSecond: 300, connections: 120 } as const;
    const { check } = await simulate(planOf({ load }));
    const { allowed, denied } = check.outcomes;
    expect(allowed + denied).toBe(600);
  });

  it('places buckets by the prefix of their keys', async () => {
    const shardsOf = async (prefix: string) => {
      const { check } = await simulate(planOf({ load: { users: 3 } }), { prefix });
      return check.shards.map(({ shard, buckets }) => `${shard}: ${buckets}`);
    };
    expect(await shardsOf('rate:a')).not.toEqual(await shardsOf('rate:e'));
    expect(await shardsOf('rate:a')).toEqual(await shardsOf('rate:a'));
  });
});

describe('a simulated run that fails', () => {
  it('keeps what it has recorded, without an end', async () => {
    const folder = await makeFolder();
    const onProgress = ({ load }: Progress) => {
      if (load !== undefined) throw new Error('a mistake of ours');
    };
    await expect(simulate(planOf(), { folder, onProgress })).rejects.toThrow('a mistake of ours');
    const history = await readFile(join(folder, 'history.ndjson'), 'utf8');
    expect(history.split('\n').filter((line) => line.startsWith('{"type":"op"')).length).toBeGreaterThan(100);
    expect(history.endsWith('}\n')).toBe(true);
    expect(history).not.toContain('"type":"end"');
  });
});

describe('a simulated run with a fault', () => {
  it('loses what a primary had acknowledged when its replica takes over, and says when all has settled', async () => {
    const faults = [{ fault: 'kill', node: 'us-east-0', atMs: 1_000, forMs: 5_000 }] as const;
    const load = { durationMs: 9_000 };
    const { check, history } = await simulate({ ...planOf({ load }), faults });
    const records = history.split('\n').filter((line) => line.startsWith('{"type":"fault"'));
    expect(records.map((line) => JSON.parse(line).phase)).toEqual(['inject', 'heal', 'settled', 'settled']);
    expect(check.outcomes.failed).toBeGreaterThan(0);
    expect(/"node":"eu-west-1",.*"from":"replica","to":"primary"/.test(history)).toBe(true);
  });

  it.each([
    { kind: 'sentinel', replicas: 1, primary: /^(eu-west|ap-south)-0$/ },
    { kind: 'single', replicas: 0, primary: /^us-east-0$/ },
  ] as const)('finds the primary of a topology of kind $kind again', async ({ kind, replicas, primary }) => {
    const faults = [{ fault: 'kill', node: 'us-east-0', atMs: 500, forMs: 5_000 }] as const;
    const plan = planOf({ load: { mode: 'open', ratePerSecond: 50, connections: 60, durationMs: 8_000 } });
    const { check, history } = await simulate({
      ...plan,
      faults,
      topology: { ...plan.topology, kind, replicas },
    });
    expect(check.outcomes.failed).toBeGreaterThan(0);
    const last = history.split('\n').findLast((line) => line.includes('"outcome":"allowed"')) ?? '{}';
    expect(JSON.parse(last).decision.node.replace(/:.*/, '')).toMatch(primary);
  });

  it('refuses what it has no model for', () => {
    const faults = [{ fault: 'command', inject: './cut.sh', atMs: 0, forMs: 0 }] as never;
    expect(() => checkSimulatedPlan({ ...planOf(), faults })).toThrow('fault command cannot be simulated');
  });
});

describe('a simulated run without a folder', () => {
  const { signal } = new AbortController();

  it.each(['central', 'active-active'] as const)('is judged as that with one: %s', async (strategy) => {
    const [fault] = [{ fault: 'kill', node: 'us-east-0', atMs: 500, forMs: 1_000 }] as const;
    const plan = { ...planOf({ strategy }), faults: [fault] };
    const folder = await makeFolder();
    const { check } = await simulate(plan, { folder });
    const { history, examination } = await simulateHeld({ plan, signal });
    const text = JSON.stringify(check).replaceAll(join(folder, 'history.ndjson'), 'history.ndjson');
    expect(JSON.parse(JSON.stringify(examination.report))).toEqual(JSON.parse(text));
    expect(history.events.filter(({ event }) => event === 'role').length).toBeGreaterThan(0);
  });

  it('is rejected with the reason for which a fault cannot begin, and when it is interrupted', async () => {
    const plan = planOf();
    const unknown = [{ fault: 'kill', node: 'no-such-node', atMs: 0, forMs: 1_000 }] as const;
    await expect(simulateHeld({ plan: { ...plan, faults: [...unknown] }, signal })).rejects.toThrow(
      'no-such-node',
    );
    const interrupted = simulateHeld({ plan, signal: AbortSignal.abort() });
    await expect(interrupted).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});
