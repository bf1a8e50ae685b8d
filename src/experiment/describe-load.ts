import { basename } from 'node:path';
import { printable } from '../core/printable.ts';
import { count } from '../core/units.ts';
import { connectionsOf } from '../load/parts.ts';
import type { LoadPlan } from '../scenario/plan.ts';
import type { Run } from './run-context.ts';

/** The load of a run, and its faults, in words. */
export function describeLoad({ plan: { load, faults, topology }, part }: Pick<Run, 'plan' | 'part'>): string {
  const { regions } = topology;
  const connections = part ? connectionsOf([part.share], { ...load, regions }).length : load.connections;
  const broken = faults.map(({ fault, atMs }) => `${fault} at ${atMs / 1_000} s`).join(', ');
  return `${describeRequests({ ...load, connections }, part !== undefined)}, ${load.durationMs / 1_000} s${broken === '' ? '' : `; ${broken}`}`;
}

function describeRequests(
  { mode, connections, ratePerSecond, peaks, log }: LoadPlan,
  isPart: boolean,
): string {
  if (mode === 'closed') return `${connections} concurrent users`;
  const often =
    peaks && `${peaks.ratePerSecond} for ${peaks.forMs / 1_000} s of every ${peaks.everyMs / 1_000} s`;
  const what =
    log === undefined
      ? `${ratePerSecond} requests a second${often === undefined ? '' : `, ${often}`}`
      : `${count(log.requests ?? 0, 'request')} of ${printable(basename(log.file))}`;
  return `${what}${isPart ? ' of all parts' : ''}, at most ${connections} in flight`;
}
