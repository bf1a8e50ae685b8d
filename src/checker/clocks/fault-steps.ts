import type { FaultRecord } from '../../history/records/operation.ts';
import type { ClockStep } from './steps.ts';

/** A reading that is that much later may still be of before the heal, which is recorded when it begins. */
const HEAL_US = 250_000;

/**
 * The steps that readings show, and those of faults `node-clock` that no reading shows: nodes are read in turn, and a short
 * fault ends between two readings of its node. A fault is seen by a step of its direction while it is in force; then its
 * heal is seen too, or the next fault of its node that hides the heal is not seen itself.
 */
export function withStepsOfFaults(steps: readonly ClockStep[], faults: readonly FaultRecord[]): ClockStep[] {
  const changes = faults.filter(stepsClock).toSorted((a, b) => a.atUs - b.atUs);
  const unseen = changes.flatMap((injected, at): ClockStep[] => {
    const { node, stepMs } = injected.args ?? {};
    if (injected.phase !== 'inject' || typeof node !== 'string' || typeof stepMs !== 'number') return [];
    const later = changes.slice(at + 1).filter(({ args }) => args?.node === node);
    const healed = later.find(({ phase }) => phase === 'heal');
    const next = later.find(({ phase }) => phase === 'inject');
    const untilUs = Math.min(
      (healed?.atUs ?? Number.POSITIVE_INFINITY) + HEAL_US,
      next?.atUs ?? Number.POSITIVE_INFINITY,
    );
    const isSeen = steps.some(
      (step) =>
        step.node === node &&
        step.byUs > 0 === stepMs > 0 &&
        step.atUs >= injected.atUs &&
        step.atUs <= untilUs,
    );
    if (isSeen) return [];
    const byUs = Math.round(stepMs * 1_000);
    const back = healed === undefined ? [] : [{ node, atUs: healed.atUs, byUs: -byUs }];
    return [{ node, atUs: injected.atUs, byUs }, ...back];
  });
  return [...steps, ...unseen];
}

export function stepsClock({ fault }: Pick<FaultRecord, 'fault'>): boolean {
  return fault === 'node-clock';
}
