import { DURATION, KIND, type OperationTable } from './table.ts';

const OF_STEP = KIND.part | KIND.multiBucket | KIND.surplus;

/** Whether a row is a later step of a reservation: an extension or, with a cost of 0 or less, what comes back. */
export function isReservationStep(kind: number): boolean {
  return (kind & OF_STEP) === KIND.part;
}

/**
 * Whether a row is a step of a reservation that may give back from its start on: an expiry, or a settlement without a reply.
 * An expiry may be long after the last operation, so no span of time counts it.
 */
export function mayGiveBack(
  { kinds, costTokens, durationUs }: Pick<OperationTable, 'kinds' | 'costTokens' | 'durationUs'>,
  row: number,
): boolean {
  const kind = kinds[row] as number;
  const isOpen = (kind & KIND.outcome) === KIND.info && durationUs[row] === DURATION.open;
  return isOpen && isReservationStep(kind) && (costTokens[row] as number) < 0;
}

/** The row of the take of a reservation, from the row of one of its steps. */
export function reservationOf({ kinds }: Pick<OperationTable, 'kinds'>, step: number): number {
  let row = step;
  while (isReservationStep(kinds[row] as number) || ((kinds[row] as number) & KIND.surplus) !== 0) row--;
  return row;
}

/** The rows of the later steps of a reservation, from the row of its take. */
export function stepsAfter({ kinds }: Pick<OperationTable, 'kinds'>, take: number): number[] {
  const steps: number[] = [];
  for (let row = take + 1; row < kinds.length; row++) {
    const kind = kinds[row] as number;
    if (isReservationStep(kind)) steps.push(row);
    else if ((kind & KIND.surplus) === 0) break;
  }
  return steps;
}

/** Whether the take of a row is a reservation with later steps. */
export function isReserved({ kinds }: Pick<OperationTable, 'kinds'>, row: number): boolean {
  if (isReservationStep(kinds[row] as number)) return false;
  const next = kinds[row + 1] ?? 0;
  return isReservationStep((next & KIND.surplus) === 0 ? next : (kinds[row + 2] ?? 0));
}

/** Whether a reservation in this bucket charges several. */
export function reservesOfSeveral(table: OperationTable, bucket: number): boolean {
  const { starts, kinds } = table;
  for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++)
    if (isReservationStep(kinds[row] as number)) {
      const take = kinds[reservationOf(table, row)] as number;
      if ((take & KIND.multiBucket) !== 0) return true;
    }
  return false;
}

/**
 * Whether it is unknown how much a reservation of this bucket held: an extension has no reply and what was left came back, or
 * the take has none and was extended.
 */
export function holdsUnknown(table: OperationTable, bucket: number): boolean {
  const { starts, kinds, costTokens, expiries } = table;
  const isOpen = (row: number) => ((kinds[row] as number) & KIND.outcome) === KIND.info;
  const isAllowed = (row: number) => ((kinds[row] as number) & KIND.outcome) === KIND.allowed;
  for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++) {
    if (!isReserved(table, row)) continue;
    const steps = stepsAfter(table, row);
    const extensions = steps.filter((step) => (costTokens[step] as number) > 0);
    const isSettled = steps.some((step) => (costTokens[step] as number) <= 0 && !expiries.has(step));
    if (isSettled && extensions.some(isOpen)) return true;
    if (isOpen(row) && extensions.some(isAllowed)) return true;
  }
  return false;
}
