import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RULES } from '../../test/support/scenario-rules.ts';
import { makePlan } from './make-plan.ts';
import { parseScenario } from './parse.ts';
import type { ScenarioInput } from './schema.ts';

const title = { scenario: 'chaos-partition', about: 'why' };
const claims = ['total-excess <= bound'];

const NODES = ['us-east-0', 'eu-west-0', 'ap-south-0', 'eu-west-1', 'ap-south-1'] as const;

/** Faults of one node may not overlap. */
const kill = (at: string, length: string, node: string = NODES[0]) =>
  ({ fault: 'kill', node, at, for: length }) as const satisfies NonNullable<ScenarioInput['faults']>[number];

const EVIDENCE = ['contested >= 1', 'info <= 50%', 'failed <= 90%', 'headroom <= 50%'];

describe('a plan made of flags', () => {
  it('is the plan of the file that says the same', () => {
    const input: ScenarioInput = {
      load: { users: 20, ramp: '500ms' },
      faults: [kill('3s..6s', '4s')],
      claims,
    };
    const file = `# why\n${JSON.stringify(input)}`; // JSON is YAML
    expect(makePlan(input, { ...title, seed: 5 }, RULES)).toEqual(
      parseScenario(file, { file: 'chaos-partition.yaml', seed: 5 }, RULES),
    );
  });

  it.each([
    {
      title: 'of an open load claims that it was sent',
      mode: 'open',
      claims,
      want: [...claims, 'dropped <= 1%', ...EVIDENCE],
    },
    { title: 'of a closed one does not', mode: 'closed', claims, want: [...claims, ...EVIDENCE] },
    {
      title: 'keeps the evidence that is given',
      mode: 'closed',
      claims: [...claims, 'contested >= 80%', 'info <= 5%', 'failed <= 5%', 'headroom <= 10%'],
      want: [...claims, 'contested >= 80%', 'info <= 5%', 'failed <= 5%', 'headroom <= 10%'],
    },
    {
      title: 'asks for none where nothing is claimed of correctness',
      mode: 'closed',
      claims: ['p99(any) <= 250ms'],
      want: ['p99(any) <= 250ms'],
    },
    {
      title: 'that has a claim on that keeps it',
      mode: 'open',
      claims: ['dropped <= 30% during kill'],
      want: ['dropped <= 30% during kill'],
    },
  ] as const)('$title', ({ mode, claims, want }) => {
    const load = mode === 'open' ? { mode, rate: 5 } : { mode };
    expect(makePlan({ load, claims: [...claims] }, title, RULES).claims).toEqual(want);
  });

  it('takes faults whose times are numbers, checked like those of a file', () => {
    const [planned] = makePlan({ faults: [kill('3s', '4s')], claims }, title, RULES).faults;
    expect(planned).toBeDefined();
    if (planned === undefined) return;
    expect(makePlan({ claims }, title, RULES, [planned]).faults).toEqual([planned]);
    expect(() => makePlan({ claims }, title, RULES, [{ ...planned, atMs: 19_000 }])).toThrow(
      /^faults\[0\]\.for/,
    );
  });

  it('is refused for the same reasons, by path', () => {
    const input: ScenarioInput = { seed: 0.5, faults: [kill('19s', '4s')], claims };
    expect(() => makePlan(input, title, RULES)).toThrow(
      '2 problems\n  seed: expected a whole number from 0 to 4294967295; found 0.5\n  faults[0].for: every fault',
    );
    expect(() => makePlan({ claims, policy: '20' }, title, RULES)).toThrow(/^policy: a policy is written/);
  });
});

/** Ranges of whole milliseconds that end before the load does; from 1 on, since a fault must last. */
const range = fc
  .tuple(fc.integer({ min: 1, max: 9_999 }), fc.integer({ min: 1, max: 9_999 }))
  .map((ends) => ends.toSorted((a, b) => a - b))
  .map(([least = 0, most = 0]) => ({ least, most, text: `${least}ms..${most}ms` }));

describe('what is drawn from the seed', () => {
  it('is the same byte for byte with the same seed, in its range, whole milliseconds, in the order of time', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.tuple(range, range), { maxLength: NODES.length }), (seed, ranges) => {
        const input: ScenarioInput = {
          claims,
          faults: ranges.map(([at, length], index) => kill(at.text, length.text, NODES[index])),
        };
        const plan = makePlan(input, { ...title, seed }, RULES);
        expect(JSON.stringify(makePlan(structuredClone(input), { ...title, seed }, RULES))).toBe(
          JSON.stringify(plan),
        );
        expect(plan.faults).toHaveLength(ranges.length);
        for (const { atMs, forMs } of plan.faults) {
          expect(Number.isInteger(atMs) && Number.isInteger(forMs)).toBe(true);
          expect(
            ranges.some(
              ([at, length]) =>
                at.least <= atMs && atMs <= at.most && length.least <= forMs && forMs <= length.most,
            ),
          ).toBe(true);
        }
        expect(plan.faults.map(({ atMs }) => atMs)).toEqual(
          plan.faults.map(({ atMs }) => atMs).toSorted((a, b) => a - b),
        );
      }),
    );
  });

  it('differs from fault to fault and from seed to seed', () => {
    const faults = [kill('0s..9s', '1s'), kill('0s..9s', '1s', NODES[1])];
    const times = [1, 2].flatMap((seed) =>
      makePlan({ claims, faults }, { ...title, seed }, RULES).faults.map(({ atMs }) => atMs),
    );
    expect(new Set(times).size).toBe(4);
  });

  it('reaches both ends of a range, and one fault does not move another', () => {
    const drawn = (seed: number, faults: NonNullable<ScenarioInput['faults']>) =>
      makePlan({ claims, faults }, { ...title, seed }, RULES).faults.map(({ atMs }) => atMs);
    const seeds = Array.from({ length: 100 }, (_, seed) => seed);
    expect(new Set(seeds.flatMap((seed) => drawn(seed, [kill('3ms..6ms', '1s')])))).toEqual(
      new Set([3, 4, 5, 6]),
    );
    expect(seeds.map((seed) => drawn(seed, [kill('0s..6s', '1s'), kill('7s..9s', '1s')])[0])).toEqual(
      seeds.map((seed) => drawn(seed, [kill('0s..6s', '1s')])[0]),
    );
  });
});
