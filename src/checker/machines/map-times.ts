import { reservationOf } from '../../history/columns/reservation-rows.ts';
import { DURATION, KIND, type OperationTable, withTimes } from '../../history/columns/table.ts';
import type { ShownTime } from './stepping-clock.ts';

/** The clock of one operation: it began at `least` of its start or later, and ended at `most` of its end or earlier. */
export type ClockOfRow = (row: number) => ShownTime | undefined;

/**
 * The operations by other clocks, at whole microseconds: starts are rounded down, ends up. Operations without a clock are
 * no longer judged, as if they were repetitions of others.
 */
export function mapTimes(table: OperationTable, clockOf: ClockOfRow, rate: number): OperationTable {
  const { rows } = table;
  const invokedUs = new Float64Array(rows);
  const durationUs = new Uint32Array(rows);
  const kinds = table.kinds.slice();
  const longUs = new Map<number, number>();
  for (let row = 0; row < rows; row++) {
    const clock = clockOf(row);
    if (clock === undefined) {
      kinds[row] = (kinds[row] as number) | KIND.merged;
      durationUs[row] = DURATION.open;
      continue;
    }
    const startUs = Math.floor(clock.least(table.invokedUs[row] as number));
    invokedUs[row] = startUs;
    const lastUs = table.lastUs(row);
    if (lastUs === Number.POSITIVE_INFINITY) durationUs[row] = DURATION.open;
    else {
      const us = Math.max(0, Math.ceil(clock.most(lastUs)) - startUs);
      durationUs[row] = Math.min(us, DURATION.long);
      if (us >= DURATION.long) longUs.set(row, us);
    }
  }
  for (const row of table.expiries) {
    const clock = clockOf(row);
    if (clock !== undefined)
      invokedUs[row] = Math.min(invokedUs[row] as number, expiry(table, row, { clock, rate }));
  }
  return withTimes(table, { invokedUs, durationUs, kinds, longUs });
}

/** A reservation expires some time after its take by the clock that decides, which may run faster than the recorder's. */
function expiry(
  table: OperationTable,
  row: number,
  { clock, rate }: { readonly clock: ShownTime; readonly rate: number },
): number {
  const takenUs = table.invokedUs[reservationOf(table, row)] as number;
  const afterUs = (table.invokedUs[row] as number) - takenUs;
  return Math.floor(clock.least(takenUs) + afterUs * (1 - 2 * rate));
}
