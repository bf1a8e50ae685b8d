import { parentPort, workerData } from 'node:worker_threads';
import { judgeHistory } from '../../../src/checker/judge-history.ts';
import { OpenclawError } from '../../../src/core/errors.ts';
import { HistoryReader } from '../../../src/history/reader.ts';
import { Dice } from '../soak/dice.ts';
import { type Mutated, mutate } from './mutate.ts';

/** What became of one history. */
export interface Told {
  readonly seed: number;
  /** A verdict, or the code of an error of the catalogue. */
  readonly answer?: string;
  /** Anything else that was thrown. */
  readonly wrong?: string;
}

const { from, to } = workerData as { readonly from: number; readonly to: number };
const tell = (message: Told) => parentPort?.postMessage(message);
for (let seed = from; seed <= to; seed++) {
  tell({ seed });
  const mutated = mutate(seed, new Dice(seed, 'numbers'));
  if (mutated !== undefined) tell({ seed, ...answerTo(mutated) });
}

function answerTo({ files, promise, clockSlackUs }: Mutated): Omit<Told, 'seed'> {
  try {
    const reader = new HistoryReader();
    for (const { name, text } of files) {
      reader.startFile(name);
      reader.push(new TextEncoder().encode(text));
      reader.endFile();
    }
    const report = judgeHistory(reader.finish(), {
      promise,
      ...(clockSlackUs !== undefined && { clockSlackUs }),
    });
    const { findings } = report.overAdmission;
    const amounts = [report.overAdmission.totalExcess, ...findings.map(({ totalExcess }) => totalExcess)];
    const odd = amounts.find((amount) => !(amount >= 0));
    if (odd !== undefined) return { wrong: `an excess of ${odd} tokens` };
    return { answer: report.verdict };
  } catch (error) {
    if (error instanceof OpenclawError) return { answer: error.code };
    return { wrong: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
