import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { invalidOption, OpenclawError } from '../../core/errors.ts';
import type { Verdict } from '../../core/verdict.ts';
import { isOnlySlow, limiterOf } from '../../report/check-report.ts';
import { readRun } from './read-report.ts';
import { isRunFolder } from './run-names.ts';

/** One kept run in a list. `reason`: why the report cannot be read. */
export interface RunLine {
  readonly folder: string;
  /** `slow`: only a claim on speed is broken. */
  readonly verdict: Verdict | 'slow' | 'none';
  readonly scenario: string | null;
  readonly strategy: string | null;
  /** The strategy or plug-in, or the addresses of the services. */
  readonly limiter: string | null;
  readonly seed: number | null;
  /** ISO 8601; null if the report cannot be read. */
  readonly startedAt: string | null;
  readonly requests: number | null;
  readonly simulated?: true;
  /** Whether its folder has the page. */
  readonly hasPage: boolean;
  readonly reason?: string;
}

/** The runs in a folder, newest first. Throws INVALID_OPTION if it is no folder. */
export async function listRuns(reports: string, cwd: string): Promise<RunLine[]> {
  const names = await readdir(resolve(cwd, reports)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw invalidOption(`--reports: ${reports}: ${error.message}`);
  });
  const newestFirst = names.filter(isRunFolder).sort().reverse();
  return Promise.all(newestFirst.map((name) => describeRun(join(reports, name), cwd)));
}

const NO_REPORT = {
  verdict: 'none',
  scenario: null,
  strategy: null,
  limiter: null,
  seed: null,
  startedAt: null,
  requests: null,
} as const;

async function describeRun(folder: string, cwd: string): Promise<RunLine> {
  const hasPage = existsSync(resolve(cwd, folder, 'report.html'));
  try {
    const { report } = await readRun(folder, cwd);
    const { verdict, plan, strategy, seed, startedAt, sent } = report;
    return {
      folder,
      verdict: isOnlySlow(report) ? 'slow' : verdict,
      scenario: plan.scenario,
      strategy,
      limiter: limiterOf(report),
      seed,
      startedAt,
      requests: sent,
      ...(report.simulated && { simulated: true }),
      hasPage,
    };
  } catch (error) {
    if (!(error instanceof OpenclawError)) throw error;
    return { ...NO_REPORT, folder, hasPage, reason: error.message };
  }
}
