import { Beginning } from './beginning.ts';
import type { OutsideUses } from './outside.ts';
import { openPlay, type RecordedHistory, type SimulatedRun, SLICE_US, startLoad } from './play.ts';

const NO_FILE: RecordedHistory = { add: () => {}, close: async () => {} };
const UNSEEN = {
  used: 'something that the seed does not determine',
  instead: 'take times, timers and random numbers from what createLimiter is given',
};

/**
 * Plays the beginning of a run again, in a world of its own and with other copies of the plug-in. If its history differs,
 * the plug-in has used something outside that was not noticed itself. An interrupted play proves nothing.
 */
export async function playAgain(
  { host, ...run }: SimulatedRun,
  first: Beginning,
  outside: OutsideUses,
): Promise<void> {
  const { signal } = run;
  run.report('repeat');
  host?.onRepeat();
  const second = await beginningOf({ ...run, problems: [], report: () => {} }, first.endUs);
  if (signal.aborted) return;
  const difference = first.differenceFrom(second);
  if (difference !== undefined) outside.add({ ...UNSEEN, difference });
}

async function beginningOf(run: SimulatedRun, endUs: number): Promise<Beginning> {
  let beginning = new Beginning(endUs);
  try {
    const played = await openPlay(run, () => NO_FILE);
    beginning = played.beginning ?? beginning;
    const { time } = played.world;
    startLoad(played, run, new AbortController());
    while (time.nowUs < played.originUs + endUs && !run.signal.aborted)
      await time.runUntil(Math.min(played.originUs + endUs, time.nowUs + SLICE_US));
  } catch (error) {
    beginning.fail(error instanceof Error ? error.message : String(error));
  }
  return beginning;
}
