import type { RunReport } from './report.ts';

/**
 * The share of the requests of these regions that were allowed or denied, 0 to 1: during the faults, or over the whole
 * load of a run without any; null without requests.
 */
export function decidedShare(
  { cells, plan }: Pick<RunReport, 'cells' | 'plan'>,
  regions: readonly string[],
): number | null {
  const isDuring = (phase: string) => plan.faults.length === 0 || phase.startsWith('during ');
  const duringFault = cells.filter(({ phase, region }) => isDuring(phase) && regions.includes(region));
  const operations = duringFault.reduce((sum, cell) => sum + cell.operations, 0);
  const decided = duringFault.reduce((sum, { outcomes }) => sum + outcomes.allowed + outcomes.denied, 0);
  return operations === 0 ? null : decided / operations;
}

/**
 * The mean of those shares of each region that sent requests, 0 to 1; null if none did. In one share of all of them a
 * region where requests wait long counts little, since it sends few.
 */
export function meanDecidedShare(report: Pick<RunReport, 'cells' | 'plan'>): number | null {
  const { regions } = report.plan.topology;
  const shares = regions.flatMap((region) => decidedShare(report, [region]) ?? []);
  return shares.length === 0 ? null : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** A latency of admissions in the region where it is longest, microseconds; null without admissions. */
export function slowestAdmissions(
  { latencies }: Pick<RunReport, 'latencies'>,
  key: 'p50Us' | 'p99Us',
): number | null {
  const ofAllowed = latencies.filter(({ outcome }) => outcome === 'allowed');
  return ofAllowed.length === 0 ? null : Math.max(...ofAllowed.map(({ latency }) => latency[key]));
}
