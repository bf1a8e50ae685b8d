import { environmentFailed } from '../core/errors.ts';
import { given } from '../core/given.ts';
import { parsePolicies } from '../core/policies.ts';
import { limitTokensOf } from '../core/promise.ts';
import { traitsOf } from '../core/strategies.ts';
import type { End, Sample } from '../history/records/operation.ts';
import type { Recorder } from '../load/recorder.ts';
import type { HistoryFile, Written } from './history-file.ts';
import { busiestBuckets } from './plan-file.ts';
import type { Run } from './run-context.ts';
import { AgeTally } from './tally/age-tally.ts';
import { ExcessTally } from './tally/excess-tally.ts';
import { LiveTally } from './tally/live-tally.ts';

/** What is counted of the operations of a run while it is recorded. */
export interface Tallies {
  readonly tally: LiveTally;
  /** For a strategy whose regions decide on their knowledge of each other. */
  readonly ages: AgeTally | undefined;
}

/** `nowMs` is the clock of the rates; default the machine's. */
export function openTallies(
  { plan, users, promise, part }: Pick<Run, 'plan' | 'users' | 'promise' | 'part'>,
  nowMs?: () => number,
): Tallies {
  const isBucket = promise === undefined || promise.type === 'token-bucket';
  const tally = new LiveTally(
    part === undefined ? plan.topology.regions : [part.share.region],
    busiestBuckets(plan, users),
    parsePolicies(plan.policy).map(({ name, policy }) => ({
      name,
      limitTokens: limitTokensOf(promise, policy),
      ...(isBucket && { excess: new ExcessTally(policy) }),
    })),
    nowMs,
  );
  return { tally, ages: traitsOf(plan.strategy).perRegionBucket ? new AgeTally() : undefined };
}

/** Records the requests of an open load that were due and not sent, since every connection of their region was busy. */
export function recordDropped(recorder: Recorder, history: Pick<HistoryFile, 'add'>): void {
  for (const { region, atUs, requests } of recorder.dropped)
    history.add({ type: 'event', event: 'dropped', atUs, args: { region, requests } });
}

/** The last record of a history that was not cut short. */
export function endRecord(recorder: Recorder, sample?: Sample): End {
  return { type: 'end', atUs: Math.ceil(recorder.nowUs()), sent: recorder.sent, ...given({ sample }) };
}

/** Writes the last record, unless the history was cut short. Throws ENVIRONMENT_FAILED. */
export async function endHistory(
  history: HistoryFile,
  recorder: Recorder,
  { folder, part, sample }: Pick<Run, 'folder' | 'part'> & { readonly sample?: Sample | undefined },
  isCut = false,
): Promise<Written> {
  return history.end(isCut ? undefined : endRecord(recorder, sample)).catch((error: Error) => {
    throw environmentFailed(
      `the history could not be written: ${error.message}`,
      `free disk space, or choose ${part === undefined ? `another folder than ${folder} with --reports` : 'another file with --out'}`,
    );
  });
}
