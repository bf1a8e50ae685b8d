import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ComparedRun, compareScenario } from '../../bench/simulation/compare.mjs';
import { figuresOf } from '../../bench/simulation/figures.mjs';
import { keepRun, readRuns } from '../../bench/simulation/kept.mjs';
import { compareMatrix } from '../../bench/simulation/matrix.mjs';
import type { RunReport } from '../../src/report/report.ts';

const folder = mkdtempSync(join(tmpdir(), 'openclaw-bench-simulation-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TAKEOVER = { node: 'eu-west-1', from: 'replica', to: 'primary' };

interface Changed {
  readonly verdict?: string;
  readonly excess?: number;
  readonly declared?: number | null;
  readonly share?: number | null;
  readonly takeoversUs?: readonly number[];
}

function run({ verdict = 'pass', excess = 10, declared = 20, share = 0.8, takeoversUs = [] }: Changed) {
  const made: ComparedRun = {
    verdict,
    figures: {
      excess: { of: 'total', measured: excess, declared },
      availability: [{ regions: ['us-east', 'eu-west'], share }],
    },
    roles: takeoversUs.map((afterUs) => ({ ...TAKEOVER, afterUs })),
  };
  return made;
}

/** Quantities outside, and why. */
function outside(real: readonly Changed[], simulated: readonly Changed[]): string[] {
  const rows = compareScenario('kill-primary', real.map(run), simulated.map(run));
  return rows.filter(({ isWithin }) => !isWithin).map(({ quantity, why }) => `${quantity}: ${why}`);
}

describe('the comparison of simulated runs with real ones', () => {
  it.each<{
    title: string;
    real: readonly Changed[];
    simulated: readonly Changed[];
    says: readonly string[];
  }>([
    {
      title: 'accepts excess at the ends of the range of the real seeds, widened by a fifth',
      real: [{ excess: 10 }, { excess: 15 }],
      simulated: [{ excess: 8 }, { excess: 18 }],
      says: [],
    },
    {
      title: 'names excess beyond that',
      real: [{ excess: 10 }, { excess: 15 }],
      simulated: [{ excess: 10 }, { excess: 18.1 }],
      says: ['excess, tokens: outside 8.0 to 18.0'],
    },
    {
      title: 'accepts an excess of less than one request where the real seeds have none',
      real: [{ excess: 0 }],
      simulated: [{ excess: 1 }],
      says: [],
    },
    {
      title: 'names an excess above the bound that no real seed has',
      real: [{ excess: 20 }],
      simulated: [{ excess: 20.5 }],
      says: ['bound: exceeded in no real seed'],
    },
    {
      title: 'accepts an excess above the bound that real seeds have too',
      real: [{ excess: 21 }],
      simulated: [{ excess: 22 }],
      says: [],
    },
    {
      title: 'accepts a share five points below the real ones, and names one of six',
      real: [{ share: 0.8 }, { share: 0.9 }],
      simulated: [{ share: 0.7501 }, { share: 0.74 }],
      says: ['decided, us-east and eu-west: outside 75 % to 95 %'],
    },
    {
      title: 'names a share of a side that sent no requests',
      real: [{ share: 0.8 }],
      simulated: [{ share: null }],
      says: ['decided, us-east and eu-west: a simulated seed has no value'],
    },
    {
      title: 'names another verdict',
      real: [{}],
      simulated: [{ verdict: 'unknown' }],
      says: ['verdict: unknown in no real seed'],
    },
    {
      title: 'accepts a role change half a second early',
      real: [{ takeoversUs: [4_000_000] }, { takeoversUs: [4_300_000] }],
      simulated: [{ takeoversUs: [3_500_000] }, { takeoversUs: [4_800_000] }],
      says: [],
    },
    {
      title: 'names a role change that is later',
      real: [{ takeoversUs: [4_000_000] }, { takeoversUs: [4_300_000] }],
      simulated: [{ takeoversUs: [4_000_000] }, { takeoversUs: [4_810_000] }],
      says: ['eu-west-1 replica to primary: outside 3.50 to 4.80 s'],
    },
    {
      title: 'names a role change that a simulated seed lacks',
      real: [{ takeoversUs: [4_000_000] }],
      simulated: [{ takeoversUs: [4_000_000] }, {}],
      says: ['eu-west-1 replica to primary: every real seed has it, not every simulated one'],
    },
    {
      title: 'accepts that a role change happens by chance',
      real: [{ takeoversUs: [4_000_000] }, {}],
      simulated: [{}],
      says: [],
    },
    {
      title: 'names a second role change that no real seed has',
      real: [{ takeoversUs: [4_000_000] }],
      simulated: [{ takeoversUs: [4_000_000, 6_000_000] }],
      says: ['eu-west-1 replica to primary, time 2: no real seed has it'],
    },
  ])('$title', ({ real, simulated, says }) => {
    expect(outside(real, simulated)).toEqual(says);
  });

  it('shows the range of the seeds, and how many have a role change', () => {
    const rows = compareScenario(
      'kill-primary',
      [run({ takeoversUs: [4_000_000] }), run({ takeoversUs: [4_250_000] }), run({})],
      [run({ takeoversUs: [4_100_000] })],
    );
    expect(rows.at(-1)).toEqual({
      scenario: 'kill-primary',
      quantity: 'eu-west-1 replica to primary',
      real: '4.00 to 4.25 s (2 of 3 seeds)',
      simulated: '4.10 s',
      tolerance: '500 ms',
      isWithin: true,
      why: '',
    });
  });
});

describe('the comparison of a simulated matrix with the real one', () => {
  const cell = (status: 'within' | 'above', measured: number) => ({
    ...{ scenario: 'node-clock', strategy: 'central', status, figures: { excess: { measured } } },
  });

  it.each([
    { title: 'accepts the same status', real: cell('within', 14), simulated: [cell('within', 9)], why: '' },
    {
      title: 'names another status',
      ...{ real: cell('within', 14), simulated: [cell('above', 21)], why: 'above, not within' },
    },
    {
      title: 'names an excess that was not found',
      ...{ real: cell('within', 14), simulated: [cell('within', 0.2)], why: 'the excess was not found' },
    },
    {
      title: 'asks for no excess where the real run has less than a token',
      ...{ real: cell('within', 0.9), simulated: [cell('within', 0)], why: '' },
    },
    {
      title: 'names a cell that was not simulated',
      ...{ real: cell('within', 0), simulated: [], why: 'not simulated' },
    },
  ])('$title', ({ real, simulated, why }) => {
    expect(compareMatrix([real], simulated).map((row) => row.why)).toEqual([why]);
  });
});

describe('the figures of a run', () => {
  const role = (atMs: number, from: string, to: string) => ({
    ...{ type: 'event', event: 'role', node: 'us-east-0', atUs: atMs * 1_000, args: { from, to, slots: '' } },
  });
  const fault = (phase: string, atMs: number) => ({ fault: 'kill', phase, atUs: atMs * 1_000 });

  /** Changes of roles in a report whose fault is injected at 5,100 ms and healed at 9,000 ms. */
  function rolesOf(events: readonly object[]) {
    const report = {
      plan: {
        ...{ scenario: 'kill-primary', faults: [{ atMs: 5_000 }] },
        ...{ load: { durationMs: 20_000 }, topology: {} },
      },
      ...{ seed: 1, verdict: 'pass', claims: [], accounts: [], shards: [], cells: [], latencies: [] },
      ...{ overAdmission: { largestExcess: 0 }, falseDenials: {}, outcomes: {}, folder: 'one' },
      ...{ faults: [fault('inject', 5_100), fault('heal', 9_000), fault('settled', 12_000)], events },
    };
    const { roles } = figuresOf(report as unknown as RunReport);
    return roles.map(({ node, from, to, afterUs }) => `${node} ${from} to ${to} after ${afterUs / 1_000} ms`);
  }

  it('have the changes of roles after the inject, until the system has settled by itself', () => {
    expect(
      rolesOf([
        role(5_000, 'primary', 'replica'),
        role(6_100, 'primary', 'down'),
        role(7_100, 'primary', 'primary'),
        role(11_100, 'down', 'replica'),
        role(12_100, 'replica', 'primary'),
      ]),
    ).toEqual(['us-east-0 primary to down after 1000 ms', 'us-east-0 down to replica after 6000 ms']);
  });

  it('have no role of less than 100 ms, which a watch may miss', () => {
    const short = [role(9_100, 'down', 'primary'), role(9_199, 'primary', 'replica')];
    const long = [role(9_100, 'down', 'primary'), role(9_200, 'primary', 'replica')];
    const back = [role(9_100, 'replica', 'primary'), role(9_150, 'primary', 'replica')];
    expect(rolesOf(short)).toEqual(['us-east-0 down to replica after 4099 ms']);
    expect(rolesOf(long)).toHaveLength(2);
    expect(rolesOf(back)).toEqual([]);
  });
});

describe('kept runs', () => {
  it('are replaced by a run of the same scenario and seed, and sorted', () => {
    const file = join(folder, 'kept.json');
    expect(readRuns(file)).toEqual([]);
    for (const [scenario, seed, verdict] of [
      ['slow-link', 1, 'pass'],
      ['baseline', 2, 'unknown'],
      ['baseline', 1, 'pass'],
      ['baseline', 2, 'fail'],
    ] as const)
      keepRun(file, { ...{ scenario, seed }, ...{ verdict } });
    expect(readRuns(file)).toEqual([
      { scenario: 'baseline', seed: 1, verdict: 'pass' },
      { scenario: 'baseline', seed: 2, verdict: 'fail' },
      { scenario: 'slow-link', seed: 1, verdict: 'pass' },
    ]);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(10);
  });
});
