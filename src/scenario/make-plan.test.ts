import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePlan, type PlanTitle } from './make-plan.ts';
import { parseScenario } from './parse.ts';
import { readSections, type Scenario } from './sections.ts';

const title = { scenario: 'chaos-partition', about: 'why' };
const claims = ['total-excess <= bound'];

const NODES = ['us-east-0', 'eu-west-0', 'ap-south-0', 'eu-west-1', 'ap-south-1'] as const;

/** Faults of one node may not overlap. */
const kill = (at: string, length: string, node: string = NODES[0]) =>
  ({ fault: 'kill', node, at, for: length }) as const;

/** What a file says. */
interface Written {
  readonly seed?: number;
  readonly load?: object;
  readonly policy?: string;
  readonly faults?: readonly object[];
  readonly claims: readonly string[];
}

/** The plan of a file; JSON is YAML. */
const planOf = (written: Written, { seed }: Pick<PlanTitle, 'seed'> = {}) =>
  parseScenario(`# why\n${JSON.stringify(written)}`, {
    file: 'chaos-partition.yaml',
    ...(seed !== undefined && { seed }),
  });

const valuesOf = (written: Written) => readSections(written).scenario as Scenario;

const EVIDENCE = ['contested >= 1', 'sides >= 100%', 'info <= 50%', 'failed <= 90%', 'headroom <= 50%'];

describe('a plan', () => {
  it('of values is that of the file with the same values', () => {
    const written = {
      load: { users: 20, ramp: '500ms', mode: 'open', rate: 7, resting: {} },
      faults: [kill('3s..6s', '4s')],
      claims,
    };
    expect(makePlan(valuesOf(written), { ...title, seed: 5 })).toEqual(planOf(written, { seed: 5 }));
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
      want: [...claims, 'contested >= 80%', 'info <= 5%', 'failed <= 5%', 'headroom <= 10%', 'sides >= 100%'],
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
    expect(planOf({ load, claims }).claims).toEqual(want);
  });

  it('of values is refused for the reasons of a file, with the options that gave them', () => {
    const values = valuesOf({ faults: [kill('3s', '4s')], claims });
    const [fault] = values.faults;
    expect(() =>
      makePlan(
        { ...values, load: { ...values.load, connections: 2, processes: 4, durationMs: 5_000 } },
        title,
      ),
    ).toThrow(
      '3 problems\n  --connections: expected one for each of the 3 regions; found 2\n  --load-processes: expected at most one for each of the 3 regions; found 4\n  --for: must be healed by the end of the load',
    );
    expect(() => makePlan({ ...values, faults: [{ ...fault, node: 'x' } as never] }, title)).toThrow(
      /^--node: expected one of the nodes/,
    );
  });
});

/** Ranges of whole milliseconds that end before the load does; from 1 on, since a fault must last. */
const range = fc
  .tuple(fc.integer({ min: 1, max: 9_999 }), fc.integer({ min: 1, max: 9_999 }))
  .map((ends) => ends.toSorted((a, b) => a - b))
  .map(([least = 0, most = 0]) => ({ least, most, text: `${least}ms..${most}ms` }));

describe('the times drawn from the seed', () => {
  it('is the same byte for byte with the same seed, in its range, whole milliseconds, in the order of time', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.tuple(range, range), { maxLength: NODES.length }), (seed, ranges) => {
        const written = {
          claims,
          faults: ranges.map(([at, length], index) => kill(at.text, length.text, NODES[index])),
        };
        const plan = planOf(written, { seed });
        expect(JSON.stringify(planOf(written, { seed }))).toBe(JSON.stringify(plan));
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
      planOf({ claims, faults }, { seed }).faults.map(({ atMs }) => atMs),
    );
    expect(new Set(times).size).toBe(4);
  });

  it('reaches both ends of a range, and one fault does not move another', () => {
    const drawn = (seed: number, faults: readonly object[]) =>
      planOf({ claims, faults }, { seed }).faults.map(({ atMs }) => atMs);
    const seeds = Array.from({ length: 100 }, (_, seed) => seed);
    expect(new Set(seeds.flatMap((seed) => drawn(seed, [kill('3ms..6ms', '1s')])))).toEqual(
      new Set([3, 4, 5, 6]),
    );
    expect(seeds.map((seed) => drawn(seed, [kill('0s..6s', '1s'), kill('7s..9s', '1s')])[0])).toEqual(
      seeds.map((seed) => drawn(seed, [kill('0s..6s', '1s')])[0]),
    );
  });
});
