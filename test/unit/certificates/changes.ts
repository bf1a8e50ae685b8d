import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import type { Random } from '../../../src/core/prng.ts';
import { listed, type Step, stepsOf } from './changed-order.ts';
import type { Clock, Proof } from './slow-check.ts';
import { MOST_OPERATIONS, pick } from './small-histories.ts';

/** What a change is of; `repeated` and `dropped` are whole records. */
export const KINDS = [
  'order',
  'moments',
  'start',
  'proves',
  'clock',
  'bucket',
  'fields',
  'repeated',
  'dropped',
] as const;
export type Kind = (typeof KINDS)[number];

/** A certificate with changed proofs, and what was changed for each bucket. */
export interface Changed {
  readonly certificate: readonly CertificateRecord[];
  readonly kinds: ReadonlyMap<string, Kind>;
}

/** The records that take the place of one proof. */
type Change = (proof: Proof, context: Context) => readonly CertificateRecord[];

interface Context {
  readonly random: Random;
  /** The clock of the proof, under a number that no other record has. */
  readonly clock: Clock;
  /** The bucket of another proof, which gives it up. */
  readonly otherBucket: string;
}

/** Changes one thing of every proof. A changed clock is a copy, for that proof alone. */
export function changeAll(certificate: readonly CertificateRecord[], random: Random): Changed {
  const proofs = certificate
    .filter((record) => record.type === 'proof')
    .filter(({ order }) => order.length > 0);
  const clocks = certificate.filter((record) => record.type === 'clock');
  const kinds = new Map(proofs.map(({ bucket }) => [bucket, pick(random, KINDS)]));
  const renamed = proofs.filter(({ bucket }) => kinds.get(bucket) === 'bucket').map(({ bucket }) => bucket);
  const changed = proofs.flatMap((proof, number) => {
    const clock = clocks.find((one) => one.clock === proof.clock) as Clock;
    const otherBucket = renamed[(renamed.indexOf(proof.bucket) + 1) % renamed.length] ?? '';
    const context = { random, clock: { ...clock, clock: clocks.length + number }, otherBucket };
    return change(proof, CHANGES[kinds.get(proof.bucket) as Kind], context);
  });
  const isEnd = ({ type }: CertificateRecord) => type === 'end';
  const others = certificate.filter((record) => record.type !== 'proof' && !isEnd(record));
  return { certificate: [...others, ...changed, ...certificate.filter(isEnd)], kinds };
}

/** One of the changes that does change this proof. */
function change(proof: Proof, changes: readonly Change[], context: Context): readonly CertificateRecord[] {
  for (;;) {
    const changed = pick(context.random, changes)(proof, context);
    if (JSON.stringify(changed) !== JSON.stringify([proof])) return changed;
  }
}

const dropStep = ofSteps((steps, { at }) => steps.toSpliced(at, 1));

const CHANGES: Readonly<Record<Kind, readonly Change[]>> = {
  order: [
    ofSteps((steps, { at, other }) => steps.with(at, step(steps, other)).with(other, step(steps, at))),
    ofSteps((steps, { at, other }) =>
      steps
        .with(at, { ...step(steps, at), code: step(steps, other).code })
        .with(other, { ...step(steps, other), code: step(steps, at).code }),
    ),
    dropStep,
    ofSteps((steps, { at, other }) =>
      steps.toSpliced(at, 0, { ...step(steps, at), code: step(steps, other).code }),
    ),
    ofSteps((steps, { at, below }) =>
      steps.with(at, { ...step(steps, at), code: below(2 * MOST_OPERATIONS) }),
    ),
    ofSteps((steps, { at, below }) =>
      steps.toSpliced(at, 0, { ...step(steps, at), code: below(2 * MOST_OPERATIONS) }),
    ),
    ofSteps((steps, { at }) => steps.with(at, { ...step(steps, at), code: step(steps, at).code ^ 1 })),
    ofSteps((steps, { at }) =>
      steps.toSpliced(at, 0, { ...step(steps, at), code: step(steps, at).code ^ 1 }),
    ),
    (proof) => [{ ...proof, order: proof.order.slice(0, -1) }],
    (proof) => [{ ...proof, order: [...proof.order, 2] }],
    ofSteps((steps) =>
      steps.map(({ atUs }, at) => ({ atUs, code: step(steps, steps.length - 1 - at).code })),
    ),
  ],
  moments: [
    (proof) => [{ ...proof, momentsUs: proof.momentsUs.slice(0, -1) }],
    (proof) => [{ ...proof, momentsUs: [...proof.momentsUs, 1] }],
    ofSteps((steps, { at, bit }) => steps.with(at, { ...step(steps, at), atUs: step(steps, at).atUs + bit })),
    ofSteps((steps, { bit }) => steps.map(({ atUs, code }) => ({ code, atUs: atUs + bit }))),
    ofSteps((steps, { at, bit }) =>
      steps.map(({ atUs, code }, one) => ({ code, atUs: one < at ? atUs : atUs + bit })),
    ),
  ],
  start: [
    (proof, { random }) => [{ ...proof, start: [below(random, 1_000), 1_000] }],
    (proof, { random }) => [{ ...proof, start: [-below(random, 1_000), 1_000] }],
    ({ start: [level, capacity] = [1, 1], ...proof }, { random }) => [
      { ...proof, start: [level + bit(random), capacity] },
    ],
    ({ start, ...proof }) => [start === undefined ? { ...proof, start: [0, 1] } : proof],
  ],
  proves: [
    (proof) => [{ ...proof, proves: proof.proves === 'all' ? 'admissions' : 'all' }],
    (proof, context) => dropStep(proof, context).map((one) => ({ ...one, proves: 'admissions' }) as Proof),
  ],
  clock: [
    (proof) => [{ ...proof, clock: 1 - proof.clock }],
    (proof, { clock }) => [{ ...proof, clock: clock.clock }],
    (proof, { clock }) => [{ ...proof, clock: clock.clock }, clock],
    ofClock((clock, random) => ({
      points: withPoint(clock, random, ([us, offsetUs]) => [us, offsetUs + bit(random)]),
    })),
    ofClock((clock, random) => ({
      points: withPoint(clock, random, ([us, offsetUs]) => [us + 1_000 * bit(random), offsetUs]),
    })),
    ofClock(({ points }, random) => ({ points: points.toSpliced(below(random, points.length), 1) })),
    ofClock(({ points }, random) => {
      const [us, offsetUs] = pick(random, points);
      const point = [us + 1 + below(random, 50_000), offsetUs + bit(random)] as const;
      return { points: [...points, point].toSorted(([a], [b]) => a - b) };
    }),
    ofClock(({ points }) => ({ points: points.map(([us, offsetUs]) => [us, offsetUs + 1]) })),
    ofClock(({ points }) => ({ points: points.toReversed() })),
    ofClock(() => ({ nodes: [] })),
    ofClock(({ nodes }) => ({ nodes: [...nodes, 'n'] })),
    ofClock(() => ({ nodes: ['a node without a reading'] })),
  ],
  bucket: [
    (proof, { otherBucket }) => [{ ...proof, bucket: otherBucket }],
    (proof) => [{ ...proof, bucket: 'a bucket without an operation' }],
  ],
  fields: [
    (proof) => [{ ...proof, trust: 'me' } as Proof],
    (proof) => [{ ...proof, members: [{ bucket: proof.bucket }, { bucket: 'b0' }] } as Proof],
    (proof) => [{ ...proof, order: proof.order.map(String) as unknown as number[] }],
    (proof) => [{ ...proof, momentsUs: proof.momentsUs.map((us) => [us]) as unknown as number[] }],
    (proof) => [{ ...proof, start: [true, true] as unknown as [number, number] }],
    (proof, { random }) => [
      { ...proof, order: proof.order.with(0, (proof.order[0] ?? 0) + fraction(random)) },
    ],
    ofSteps((steps, { at }) => steps.with(at, { ...step(steps, at), code: step(steps, at).code + 2 ** 32 })),
    ofSteps((steps, { at }) => steps.with(at, { ...step(steps, at), code: step(steps, at).code - 2 ** 32 })),
  ],
  repeated: [(proof) => [proof, { ...proof }]],
  dropped: [() => []],
};

interface Drawn {
  readonly at: number;
  readonly other: number;
  readonly bit: number;
  readonly below: (count: number) => number;
}

/** A change of the steps of a proof. */
function ofSteps(change: (steps: readonly Step[], drawn: Drawn) => readonly Step[]): Change {
  return (proof, { random }) => {
    const steps = stepsOf(proof);
    const [at, other] = [below(random, steps.length), below(random, steps.length)];
    const changed = change(steps, { at, other, bit: bit(random), below: (count) => below(random, count) });
    return [{ ...proof, ...listed(changed) }];
  };
}

/** A change of a copy of the proof's clock. */
function ofClock(change: (clock: Clock, random: Random) => Partial<Clock>): Change {
  return (proof, { random, clock }) => [
    { ...clock, ...change(clock, random) },
    { ...proof, clock: clock.clock },
  ];
}

function withPoint(
  { points }: Clock,
  random: Random,
  change: (point: Clock['points'][number]) => Clock['points'][number],
): Clock['points'] {
  const at = below(random, points.length);
  return points.map((point, number) => (number === at ? change(point) : point));
}

function step(steps: readonly Step[], at: number): Step {
  return steps[at] as Step;
}

/** Mostly a small number, of either sign; never 0. */
function bit(random: Random): number {
  return (1 + below(random, 3) * below(random, 40)) * (random() < 0.5 ? -1 : 1);
}

/** What a number of 32 bits does not have. */
function fraction(random: Random): number {
  return (1 + below(random, 3)) / 4;
}

function below(random: Random, count: number): number {
  return Math.floor(random() * count);
}
