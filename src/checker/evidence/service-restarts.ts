import type { FaultRecord } from '../../history/records/operation.ts';

/** When a service started again: what it had in memory is lost. `instance`: '' for the only one of its region. */
export function restartsOf(
  faults: readonly FaultRecord[],
  { region, instance }: { readonly region: string; readonly instance: string },
): number[] {
  return faults
    .filter(isServiceRestart)
    .filter(({ args }) => {
      const isOne = args?.instance === undefined || String(args.instance) === (instance || '1');
      return args?.region === region && isOne;
    })
    .map(({ atUs }) => atUs);
}

export function isServiceRestart({ fault, phase }: Pick<FaultRecord, 'fault' | 'phase'>): boolean {
  return fault === 'restart-service' && phase === 'heal';
}
