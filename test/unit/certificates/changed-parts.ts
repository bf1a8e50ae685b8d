import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import type { Random } from '../../../src/core/prng.ts';
import { listed, stepsOf } from './changed-order.ts';
import type { Points, Proof } from './slow-check.ts';
import { pick } from './small-histories.ts';

/** What a change of a proof of a run in parts is of. */
export const PART_KINDS = ['offset', 'slope', 'machines', 'nodes', 'moments'] as const;
export type PartKind = (typeof PART_KINDS)[number];

type PartClock = Extract<CertificateRecord, { readonly type: 'clock'; readonly offsets: unknown }>;
type Offsets = PartClock['offsets'];

/** A certificate in which one thing of every proof is changed, and what. A changed clock is a copy, for that proof alone. */
export function changeParts(certificate: readonly CertificateRecord[], random: Random) {
  const clocks = certificate.filter((record): record is PartClock => 'offsets' in record);
  const kinds = new Map<string, PartKind>();
  const changed = certificate.flatMap((record): CertificateRecord[] => {
    if (record.type !== 'proof' || record.order.length === 0) return [record];
    const kind = pick(random, PART_KINDS);
    kinds.set(record.bucket, kind);
    if (kind === 'moments') return [moved(record, random)];
    const clock = clocks.find((one) => one.clock === record.clock) as PartClock;
    const copy = { ...changedClock(clock, kind, random), clock: clocks.length + kinds.size };
    return [copy, { ...record, clock: copy.clock }];
  });
  return { certificate: changed, kinds };
}

function changedClock(clock: PartClock, kind: Exclude<PartKind, 'moments'>, random: Random): PartClock {
  const { offsets, nodes } = clock;
  const names = Object.keys(offsets);
  const name = pick(random, names);
  const points = offsets[name] as Points;
  const at = Math.floor(random() * points.length);
  switch (kind) {
    case 'offset': // of one point, or of the whole line
      return withLine(
        clock,
        name,
        random() < 0.5 ? shifted(points, some(random)) : pointMoved(points, at, some(random)),
      );
    case 'slope':
      return withLine(
        clock,
        name,
        points.map(([us, offset], one) => [us, one < at ? offset : offset + 200 * some(random)]),
      );
    case 'machines':
      return {
        ...clock,
        offsets: pick(random, [swapped, withoutOne, renamed])(offsets, name, pick(random, names)),
      };
    default:
      return {
        ...clock,
        nodes: nodes.length > 0 && random() < 0.5 ? [] : [...nodes, 'a node without a reading'],
      };
  }
}

function withLine(clock: PartClock, name: string, points: Points): PartClock {
  return { ...clock, offsets: { ...clock.offsets, [name]: points } };
}

function shifted(points: Points, byUs: number): Points {
  return points.map(([us, offset]) => [us, offset + byUs]);
}

function pointMoved(points: Points, at: number, byUs: number): Points {
  return points.map(([us, offset], one) => [us, one === at ? offset + byUs : offset]);
}

function swapped(offsets: Offsets, name: string, other: string): Offsets {
  return { ...offsets, [name]: offsets[other] as Points, [other]: offsets[name] as Points };
}

function withoutOne({ ...offsets }: Offsets, name: string): Offsets {
  return Object.fromEntries(Object.entries(offsets).filter(([one]) => one !== name));
}

function renamed(offsets: Offsets, name: string): Offsets {
  return { ...withoutOne(offsets, name), another: offsets[name] as Points };
}

function moved(proof: Proof, random: Random): Proof {
  const steps = stepsOf(proof);
  const at = Math.floor(random() * steps.length);
  const byUs = some(random);
  return {
    ...proof,
    ...listed(steps.map((step, one) => (one < at ? step : { ...step, atUs: step.atUs + byUs }))),
  };
}

/** Mostly a small number, of either sign; never 0. */
function some(random: Random): number {
  return (1 + Math.floor(random() * 4) * Math.floor(random() * 60)) * (random() < 0.5 ? -1 : 1);
}
