import type { RunReport } from '../../src/report/report.ts';

/** Whether no claim of this run is undecided for want of evidence. */
export function hasEvidence({ report }: { readonly report: RunReport | undefined }): boolean {
  return !report?.claims.some(({ kind, verdict }) => kind === 'evidence' && verdict === 'unknown');
}

/** Runs it until it is enough, up to three times: a busy machine may prove too little. */
export async function proved<Ended>(
  run: () => Promise<Ended>,
  isEnough: (ended: Ended) => boolean,
  triesLeft = 2,
): Promise<Ended> {
  const ended = await run();
  return isEnough(ended) || triesLeft === 0 ? ended : proved(run, isEnough, triesLeft - 1);
}
