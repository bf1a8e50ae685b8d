import type { PlannedFault } from '../scenario/plan.ts';
import { inOrder } from './draw.ts';
import type { Schedule } from './schedule.ts';

/**
 * Simpler schedules than this one by kinds, the most that is left out first: without faults, with fewer users, without what
 * is special about the load, shorter, with fewer requests, shorter faults, rounder numbers. They may be impossible.
 */
export function simplerThan(schedule: Schedule): readonly (readonly Schedule[])[] {
  const { faults, load } = schedule;
  const { users, durationMs, ratePerSecond } = load;
  const { resting: _, ...restless } = load;
  const { peaks: __, ...even } = load;
  const withLoad = (changed: Partial<Schedule['load']>): Schedule => ({
    ...schedule,
    load: { ...load, ...changed },
  });
  const kinds: readonly Schedule[][] = [
    faults.map((_fault, at) => ({ ...schedule, faults: faults.toSpliced(at, 1) })),
    [1, 2, 3, users >> 1, users - 1]
      .filter((count) => count > 0 && count < users)
      .map((count) => withLoad({ users: count })),
    [
      { ...schedule, load: restless },
      { ...schedule, load: even },
    ],
    [
      withLoad({ roaming: 1 }),
      withLoad({ skew: 0 }),
      withLoad({ costs: [1] }),
      withLoad({ costs: load.costs.slice(0, 1) }),
    ],
    [
      ...[0.5, 0.75, 0.9].map((share) => endingAt(schedule, round(durationMs * share, 100))),
      ...[1_000, 500, 100].map((stepMs) =>
        endingAt(schedule, Math.floor((durationMs - 1) / stepMs) * stepMs),
      ),
    ],
    [1, 0.5, 0.25].map((share) => sooner(schedule, share)),
    [0.5, 0.75, 0.9].map((share) => withLoad({ ratePerSecond: Math.round(ratePerSecond * share) })),
    faults.flatMap((fault, at) =>
      simplerFaults(fault).map((simpler) => inOrder({ ...schedule, faults: faults.with(at, simpler) })),
    ),
    [
      withLoad({ ratePerSecond: round(ratePerSecond, 10) }),
      ...[1, 2, 3].map((seed) => ({ ...schedule, seed })),
    ],
  ];
  return kinds.map((kind) => kind.filter((candidate) => isSimpler(candidate, schedule)));
}

function round(value: number, step: number): number {
  return Math.max(step, Math.round(value / step) * step);
}

/** The load ends earlier; faults end with it. */
function endingAt(schedule: Schedule, durationMs: number): Schedule {
  const faults = schedule.faults
    .filter(({ atMs }) => atMs < durationMs)
    .map((fault) => ({ ...fault, forMs: Math.min(fault.forMs, durationMs - fault.atMs) }));
  return { ...schedule, load: { ...schedule.load, durationMs }, faults };
}

/** All faults are injected earlier by a share of the time before the first; the load ends as much earlier. */
function sooner(schedule: Schedule, share: number): Schedule {
  const firstMs = Math.min(...schedule.faults.map(({ atMs }) => atMs));
  if (!Number.isFinite(firstMs)) return schedule;
  const byMs = Math.floor((firstMs * share) / 100) * 100;
  const durationMs = schedule.load.durationMs - byMs;
  const faults = schedule.faults.map((fault) => ({ ...fault, atMs: fault.atMs - byMs }));
  return { ...schedule, load: { ...schedule.load, durationMs }, faults };
}

function simplerFaults(fault: PlannedFault): PlannedFault[] {
  const { atMs, forMs } = fault;
  return [
    ...[0.5, 0.75, 0.9].map((share) => ({ ...fault, forMs: Math.max(1, Math.round(forMs * share)) })),
    ...[1_000, 100, 10].flatMap((step) => [
      { ...fault, atMs: Math.round(atMs / step) * step },
      { ...fault, forMs: round(forMs, step) },
      rounded(fault, step),
    ]),
  ];
}

/** Its own numbers, other than its times. */
function rounded(fault: PlannedFault, step: number): PlannedFault {
  const entries = Object.entries(fault).map(([key, value]) => {
    const isTime = key === 'atMs' || key === 'forMs';
    return [key, typeof value === 'number' && !isTime ? Math.round(value / step) * step : value];
  });
  return { ...fault, ...Object.fromEntries(entries) };
}

/** What is compared, the most important first. */
function measures({ seed, load, faults }: Schedule): readonly number[] {
  const { users, resting, peaks, roaming, skew, costs, ratePerSecond, durationMs } = load;
  const special = Number(resting !== undefined) + Number(peaks !== undefined);
  const uneven = Number(roaming !== 1) + Number(skew !== 0) + costs.length + Math.max(...costs);
  return [
    ...[faults.length, users, special, uneven, requestsOf(ratePerSecond, durationMs)],
    Math.ceil(durationMs / COARSE_MS),
    faults.reduce((sum, { forMs }) => sum + Math.ceil(forMs / COARSE_MS), 0),
    digits([seed, ratePerSecond, faults]),
  ];
}

/** Lengths of faults that differ by less are equal: a round one is then simpler. */
const COARSE_MS = 500;

/** In steps: a load that is a little shorter but less round is not simpler. */
function requestsOf(ratePerSecond: number, durationMs: number): number {
  return Math.ceil((ratePerSecond * durationMs) / 1_000 / 10);
}

/** Of all numbers, without zeros at the end. */
function digits(value: unknown): number {
  const numbers = JSON.stringify(value).match(/\d+(\.\d+)?/g) ?? [];
  return numbers.reduce((sum, number) => sum + number.replace(/(?<!\.\d*)0+$/, '').length, 0);
}

function isSimpler(one: Schedule, other: Schedule): boolean {
  const [a, b] = [measures(one), measures(other)];
  const at = a.findIndex((value, place) => value !== b[place]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}
