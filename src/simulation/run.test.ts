import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { StrategyName } from '../core/strategies.ts';
import { makePlan } from '../scenario/make-plan.ts';
import type { Plan } from '../scenario/plan.ts';
import { DEFAULT_TOPOLOGY } from '../topology/topology.ts';
import { simulatePlan } from './run.ts';

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

async function simulate(plan: Plan) {
  const folder = await mkdtemp(join(tmpdir(), 'simulated-'));
  folders.push(folder);
  const result = await simulatePlan({
    ...{ plan, folder, startedAt: new Date(), shell: { cwd: folder, env: {} } },
    signal: new AbortController().signal,
    onProgress: () => {},
    onExit: () => () => {},
    onLeftover: () => {},
  });
  return { ...result, history: await readFile(join(folder, 'history.ndjson'), 'utf8') };
}

describe('a simulated run', () => {
  it('is judged as a real one: every request is accounted for, and each decision is replayed', async () => {
    const { check } = await simulate(planOf());
    expect(check.verdict).toBe('pass');
    expect(check.claims.filter(({ status }) => status !== 'holds')).toEqual([]);
    expect(check.outcomes.allowed).toBeGreaterThan(100);
    expect(check.outcomes.denied).toBeGreaterThan(300);
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
});
