import { judgeCorrect, measurePower, type Power, type Wrong } from './batch.ts';
import { loadProgram } from './judge.ts';
import type { Tally } from './tally.ts';

/** A share of the work, as the command hands it out. */
export type Task =
  | { readonly type: 'correct'; readonly from: number; readonly to: number }
  | { readonly type: 'power'; readonly defect: number; readonly from: number; readonly to: number };

export type Result = { readonly tally: Tally; readonly wrong: readonly Wrong[] } | Power;

const [root = '', before = root] = process.argv.slice(2);
const programs = { now: await loadProgram(root), before: await loadProgram(before) };

process.on('message', async (task: Task) => {
  const result: Result =
    task.type === 'correct' ? await judgeCorrect(programs.now, task) : await measurePower(programs, task);
  process.send?.(result);
});

process.on('disconnect', () => process.exit(0));
