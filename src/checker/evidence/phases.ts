import type { OperationTable } from '../../history/columns/table.ts';
import type { FaultRecord } from '../../history/records/operation.ts';

/** A part of the run between two changes of its faults. */
export interface Phase {
  readonly name: string;
  readonly fromUs: number;
  /** Faults came before it, and none is in force in it. */
  readonly isAfter?: true;
}

/**
 * Before, during and after each fault, in the order of time. If several faults are in force, the phase has all their
 * names. If none is, it is named after the last one that was healed. Without faults there is one phase.
 */
export function findPhases(faults: readonly FaultRecord[]): Phase[] {
  const changes = faults.filter(({ phase }) => phase !== 'settled').toSorted((a, b) => a.atUs - b.atUs);
  const active: string[] = [];
  const phases: Phase[] = [
    { name: changes.length === 0 ? 'whole run' : 'before', fromUs: Number.NEGATIVE_INFINITY },
  ];
  for (const { fault, phase, atUs } of changes) {
    if (phase === 'inject') active.push(fault);
    else if (active.includes(fault)) active.splice(active.indexOf(fault), 1);
    phases.push({
      name: active.length > 0 ? `during ${namesOf(active)}` : `after ${fault}`,
      fromUs: atUs,
      ...(active.length === 0 && { isAfter: true as const }),
    });
  }
  return phases;
}

/** If more faults are in force, the name has their number instead: the names would grow with every phase. */
const MOST_NAMES = 8;

function namesOf(active: readonly string[]): string {
  const more = active.length - MOST_NAMES;
  const names = active.slice(0, MOST_NAMES).join(' + ');
  return more > 0 ? `${names} + ${more} more` : names;
}

/** The index of the phase that contains `us`. */
export function phaseAt(phases: readonly Phase[], us: number): number {
  let low = 0;
  let high = phases.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((phases[middle]?.fromUs ?? 0) <= us) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The index of the phase in which an operation ended, or began if it has no end. */
export function phaseOf(phases: readonly Phase[], table: OperationTable, row: number): number {
  const lastUs = table.lastUs(row);
  return phaseAt(phases, lastUs === Number.POSITIVE_INFINITY ? (table.invokedUs[row] as number) : lastUs);
}
