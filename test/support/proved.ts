import { expect } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';

/** Whether no claim of this run is undecided for want of evidence. */
export function hasEvidence({ report }: { readonly report: RunReport | undefined }): boolean {
  return !report?.claims.some(({ kind, verdict }) => kind === 'evidence' && verdict === 'unknown');
}

/** Runs it until it is enough, up to three times: a busy machine may prove too little. The log says each further run. */
export async function proved<Ended>(
  run: () => Promise<Ended>,
  isEnough: (ended: Ended) => boolean,
  triesLeft = 2,
): Promise<Ended> {
  const ended = await run();
  if (isEnough(ended) || triesLeft === 0) return ended;
  process.stdout.write(`once more, it proved too little: ${expect.getState().currentTestName}\n`);
  return proved(run, isEnough, triesLeft - 1);
}
