import type { Policy } from '../../../core/policy.ts';
import { KIND, type OperationTable } from '../../../history/columns/table.ts';
import type { Trial } from './trial.ts';

/** Fewer forks show no rule. */
const LEAST_FORKS = 3;
/** How small a share of the others the forks of another kind are at most. */
const FEW = 0.1;

/**
 * Admissions that were counted from the same state of their bucket, by what the replies say of it. In one place: one
 * request read the state before the other had written it. In two places that decide the bucket by turns: each wrote a
 * state of its own, and the last write won.
 */
interface Forks {
  /** In one place, while both were under way. */
  race: number;
  /** In one place, one after the other. */
  apart: number;
  /** In two places. */
  twoPlaces: number;
  /** Tokens that one place had taken were back at its next admission. */
  returns: number;
}

export function race(trial: Trial): string | undefined {
  const { race, apart, twoPlaces } = forksOf(trial);
  if (race < LEAST_FORKS || apart > FEW * race || FEW * twoPlaces > race) return undefined;
  return (
    `read-then-write race: ${race} times, admissions of one bucket that were under way at once were counted from the same ` +
    'state: each read it before the other had written it'
  );
}

export function lastWrite(trial: Trial): string | undefined {
  const { race, twoPlaces, returns } = forksOf(trial);
  if (twoPlaces < LEAST_FORKS || returns < LEAST_FORKS || race > FEW * twoPlaces) return undefined;
  return (
    `the last write wins: ${twoPlaces} times, admissions in two places were counted from the same state of one bucket, so ` +
    'one of them was lost'
  );
}

function forksOf(trial: Trial): Forks {
  const forks: Forks = { race: 0, apart: 0, twoPlaces: 0, returns: 0 };
  const { table, buckets, context } = trial;
  for (const bucket of buckets) {
    const policy = table.policyOf(bucket);
    const rows = admissionsOf(table, bucket);
    countByLevels(
      table,
      rows.filter((row) => !Number.isNaN(table.levels?.of(row) ?? Number.NaN)),
      policy,
      forks,
    );
    if (table.hasStated) countByRemaining(table, rows, { policy, epsilonUs: context.clock.epsilonUs }, forks);
  }
  return forks;
}

function admissionsOf({ starts, kinds }: OperationTable, bucket: number): number[] {
  const rows: number[] = [];
  for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++)
    if (((kinds[row] as number) & (KIND.outcome | KIND.merged | KIND.part)) === KIND.allowed) rows.push(row);
  return rows;
}

/**
 * The level before an admission minus the refill since a fixed moment is the same at any time until the next admission,
 * which lowers it by its cost, while the bucket is not full. So each is the state that another admission left.
 */
function countByLevels(
  table: OperationTable,
  rows: readonly number[],
  { capacityQuanta, quantaPerToken, quantaPerUs }: Policy,
  forks: Forks,
): void {
  const { levels, costTokens } = table;
  if (levels === undefined) return;
  const firstUs = rows.reduce(
    (first, row) => Math.min(first, levels.bucketUs(row)),
    Number.POSITIVE_INFINITY,
  );
  const states = rows.map((row) => {
    const costQuanta = (costTokens[row] as number) * quantaPerToken;
    const before = levels.of(row) + costQuanta;
    const us = levels.bucketUs(row) - firstUs;
    return { row, us, costQuanta, isFull: before >= capacityQuanta, state: before - us * quantaPerUs };
  });
  if (countOrphans(states) > FEW * states.length) return;
  const spans = spansOfNodes(table, rows);
  const count = (one: number, other: number) => {
    if (levels.node(one) !== levels.node(other)) {
      const [a, b] = [spans.get(levels.node(one)), spans.get(levels.node(other))];
      const [us, otherUs] = [levels.bucketUs(one), levels.bucketUs(other)];
      if (
        a !== undefined &&
        b !== undefined &&
        a.fromUs <= otherUs &&
        a.lastUs > otherUs &&
        b.fromUs <= us &&
        b.lastUs > us
      )
        forks.twoPlaces++;
    } else if (isTogether(table, [one, other])) forks.race++;
    else forks.apart++;
  };
  const others = states.filter(({ isFull }) => !isFull).sort((a, b) => a.state - b.state || a.us - b.us);
  for (const [at, next] of others.entries()) {
    const before = others[at - 1];
    if (before?.state === next.state && before.costQuanta === next.costQuanta) count(before.row, next.row);
  }
  forks.returns += countReturns(states, (row) => levels.node(row));
}

interface State {
  readonly row: number;
  readonly us: number;
  readonly costQuanta: number;
  /** Full, or fuller than a bucket can be. */
  readonly isFull: boolean;
  readonly state: number;
}

/** How many admissions were counted from a state that no other left. Each lost reply makes one. */
function countOrphans(states: readonly State[]): number {
  const left = new Set(states.map(({ state, costQuanta }) => state - costQuanta));
  return states.filter(({ isFull, state }) => !isFull && !left.has(state)).length;
}

/** How often the state of a node is above what its admission before left: another place has written it since. */
function countReturns(states: readonly State[], nodeOf: (row: number) => number): number {
  const left = new Map<number, number>();
  let returns = 0;
  for (const { row, state, costQuanta } of states.toSorted((a, b) => a.us - b.us || b.state - a.state)) {
    if (state > (left.get(nodeOf(row)) ?? Number.POSITIVE_INFINITY)) returns++;
    left.set(nodeOf(row), state - costQuanta);
  }
  return returns;
}

function spansOfNodes({ levels }: OperationTable, rows: readonly number[]) {
  const spans = new Map<number, { fromUs: number; lastUs: number }>();
  for (const row of rows) {
    const us = levels?.bucketUs(row) ?? 0;
    const { fromUs, lastUs } = spans.get(levels?.node(row) ?? 0) ?? { fromUs: us, lastUs: us };
    spans.set(levels?.node(row) ?? 0, { fromUs: Math.min(fromUs, us), lastUs: Math.max(lastUs, us) });
  }
  return spans;
}

/**
 * Three admissions that state the same whole number of remaining tokens: the levels after the first and the last of them
 * differ by less than one, so refill was worth all but one token of what the later ones took.
 */
function countByRemaining(
  table: OperationTable,
  rows: readonly number[],
  { policy: { quantaPerToken, quantaPerUs }, epsilonUs }: { policy: Policy; epsilonUs: number },
  forks: Forks,
): void {
  const groups = new Map<string, number[]>();
  for (const row of rows) {
    const remaining = table.statedOf(row)?.remaining;
    if (remaining === undefined) continue;
    const key = `${remaining} ${table.regionOf(row)} ${table.instanceOf(row)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  for (const group of groups.values()) {
    group.sort((a, b) => (table.invokedUs[a] as number) - (table.invokedUs[b] as number));
    for (let at = 2; at < group.length; at++) {
      const three = group.slice(at - 2, at + 1);
      const costs = three.map((row) => table.costTokens[row] as number);
      const later = costs.reduce((sum, cost) => sum + cost, 0) - Math.max(...costs);
      const fromUs = table.invokedUs[three[0] as number] as number;
      const lastUs = Math.max(...three.map((row) => table.lastUs(row)));
      if ((later - 1) * quantaPerToken < (lastUs - fromUs + epsilonUs) * quantaPerUs) continue;
      if (isTogether(table, three)) forks.race++;
      else forks.apart++;
    }
  }
}

/** Whether all were under way at one moment. */
function isTogether(table: OperationTable, rows: readonly number[]): boolean {
  const latestStartUs = Math.max(...rows.map((row) => table.invokedUs[row] as number));
  return rows.every((row) => table.lastUs(row) >= latestStartUs);
}
