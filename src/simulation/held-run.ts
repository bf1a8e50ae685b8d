import { judgedBy, judgeRun } from '../experiment/judge-run.ts';
import { usersOf } from '../experiment/play-run.ts';
import { endRecord } from '../experiment/recording.ts';
import type { RunResult } from '../experiment/run.ts';
import type { RunOptions } from '../experiment/run-context.ts';
import { HistoryBuilder } from '../history/columns/builder.ts';
import type { History } from '../history/history.ts';
import type { End, Header, HistoryRecord } from '../history/records/operation.ts';
import { type RecordedHistory, record } from './record.ts';
import type { WorldOptions } from './world.ts';

export interface HeldRunOptions
  extends Pick<RunOptions, 'plan' | 'promise' | 'clockSlackUs' | 'recorded' | 'signal'>,
    Omit<WorldOptions, 'plan'> {}

/** The same run and judgement as by `simulatePlan`, without a folder: for many small ones. Its history has no path. */
export async function simulateHeld(options: HeldRunOptions): Promise<NonNullable<RunResult['evidence']>> {
  const run = { ...options, users: usersOf(options), problems: [], report: () => {} };
  const { history: held, recorder, sample } = await record(run, (header) => new HeldHistory(header));
  const history = held.end(endRecord(recorder, sample));
  return { history, examination: judgeRun(judgedBy(run), history) };
}

/** What the file of a history would have. */
class HeldHistory implements RecordedHistory {
  readonly #builder = new HistoryBuilder();

  constructor(header: Header) {
    this.#builder.startFile('history.ndjson');
    this.#builder.add(header);
  }

  add(record: Exclude<HistoryRecord, Header | End>): void {
    this.#builder.add(record);
  }

  /** It has no file. */
  async close(): Promise<void> {}

  end(end: End): History {
    this.#builder.add(end);
    this.#builder.endFile();
    return this.#builder.build();
  }
}
