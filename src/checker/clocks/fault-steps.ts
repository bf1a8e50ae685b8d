import type { FaultRecord } from '../../history/records/operation.ts';
import type { ClockStep } from './steps.ts';

/** A reading that is that much later may still be of before the heal, which is recorded when it begins. */
const HEAL_US = 250_000;

/**
 * The steps that readings show, and those of faults `node-clock` that no reading shows: nodes are read in turn, and a short
 * fault ends between two readings of its node. A step that was seen while the fault was in force is among the readings', and
 * so is the one by which it was healed.
 */
export function withStepsOfFaults(steps: readonly ClockStep[], faults: readonly FaultRecord[]): ClockStep[] {
  const changes = faults.filter(({ fault }) => fault === 'node-clock').toSorted((a, b) => a.atUs - b.atUs);
  const unseen = changes.flatMap((injected, at): ClockStep[] => {
    const { node, stepMs } = injected.args ?? {};
    if (injected.phase !== 'inject' || typeof node !== 'string' || typeof stepMs !== 'number') return [];
    const healed = changes.slice(at).find(({ phase, args }) => phase === 'heal' && args?.node === node);
    const untilUs = (healed?.atUs ?? Number.POSITIVE_INFINITY) + HEAL_US;
    const isSeen = steps.some(
      (step) => step.node === node && step.atUs >= injected.atUs && step.atUs <= untilUs,
    );
    if (isSeen) return [];
    const byUs = Math.round(stepMs * 1_000);
    const back = healed === undefined ? [] : [{ node, atUs: healed.atUs, byUs: -byUs }];
    return [{ node, atUs: injected.atUs, byUs }, ...back];
  });
  return [...steps, ...unseen];
}
