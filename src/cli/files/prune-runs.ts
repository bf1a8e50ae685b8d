import { join } from 'node:path';
import { environmentFailed, OpenclawError } from '../../core/errors.ts';
import type { ClusterStore } from '../../regions/store/cluster-store.ts';
import { findRuns, openReports, whyNeeded, whyNoRun } from './kept-runs.ts';
import { bytesBelow, findHalfRemoved, removeFolder, removeRun } from './remove-runs.ts';

export interface Removal {
  /** As a user writes it. */
  readonly folder: string;
  readonly name: string;
  readonly bytes: number;
  /** An earlier removal of it was cut short. */
  readonly isHalfRemoved: boolean;
}

export interface Kept {
  readonly folder: string;
  readonly reason: string;
}

export interface PrunePlan {
  /** The real path of the folder with the runs; undefined if there is none. */
  readonly reports: string | undefined;
  /** The oldest first. */
  readonly removals: readonly Removal[];
  /** Runs that are not among the newest, and stay. */
  readonly needed: readonly Kept[];
  /** Folders with the name of a run that are none, and stay. */
  readonly leftAlone: readonly Kept[];
}

/** What is removed so that only the newest runs stay. Throws INVALID_OPTION and ENVIRONMENT_FAILED. */
export async function planPrune(
  { reports: typed, keep }: { readonly reports: string; readonly keep: number },
  { cwd, store }: { readonly cwd: string; readonly store: ClusterStore },
): Promise<PrunePlan> {
  const reports = await openReports(typed, cwd);
  if (reports === undefined) return { reports, removals: [], needed: [], leftAlone: [] };
  const { runs, others } = await findRuns(reports);
  const removals: Removal[] = [];
  const needed: Kept[] = [];
  const add = async (name: string, isHalfRemoved: boolean) => {
    const bytes = await bytesBelow(join(reports, name));
    removals.push({ folder: join(typed, name), name, bytes, isHalfRemoved });
  };
  for (const name of await findHalfRemoved(reports)) await add(name, true);
  for (const name of runs.slice(keep).reverse()) {
    const reason = await whyNeeded({ reports, name }, store);
    if (reason === undefined) await add(name, false);
    else needed.push({ folder: join(typed, name), reason });
  }
  const leftAlone = others.map(({ name, reason }) => ({ folder: join(typed, name), reason }));
  return { reports, removals, needed, leftAlone };
}

/** Hears what becomes of each run. */
interface Listener {
  onRemoved(removal: Removal): void;
  onKept(kept: Kept): void;
  onError(error: OpenclawError): void;
}

/**
 * Removes what was planned, until `signal` aborts; a run that has begun to go is gone by then. Looks at each run once more
 * before it goes, since an answer may have taken hours.
 */
export async function pruneRuns(
  { reports, removals }: PrunePlan,
  {
    store,
    signal,
    on,
  }: { readonly store: ClusterStore; readonly signal: AbortSignal; readonly on: Listener },
): Promise<void> {
  if (reports === undefined) return;
  for (const removal of removals) {
    if (signal.aborted) return;
    const { name, folder, isHalfRemoved } = removal;
    try {
      const place = { reports, name };
      const reason = isHalfRemoved ? undefined : ((await whyNoRun(place)) ?? (await whyNeeded(place, store)));
      if (reason !== undefined) on.onKept({ folder, reason });
      else if (isHalfRemoved) await removeFolder(join(reports, name));
      else if (!(await removeRun(place))) continue; // another program has removed it
      if (reason === undefined) on.onRemoved(removal);
    } catch (error) {
      on.onError(error instanceof OpenclawError ? error : cannotRemove(folder, error));
    }
  }
}

function cannotRemove(folder: string, error: unknown): OpenclawError {
  const why = error instanceof Error ? error.message : String(error);
  return environmentFailed(
    `cannot remove ${folder}: ${why}`,
    'let this user write to it, or remove it as its owner',
    error,
  );
}
