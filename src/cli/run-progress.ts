import type { LoadProgress, OnProgress, Progress } from '../experiment/progress.ts';
import type { Plan } from '../scenario/plan.ts';
import type { Environment } from './environment.ts';
import { openLiveScreen } from './live-screen.ts';
import { progressLine, RATES_LEGEND } from './progress-line.ts';
import { drawRun } from './run-view.ts';

/** How a run says what it is doing: by a view where progress goes to a terminal, else by lines. */
export interface RunProgress {
  readonly onProgress: OnProgress;
  /** Before anything else is printed. */
  close(): void;
}

export function showProgress(plan: Plan, environment: Environment): RunProgress {
  const terminal = environment.terminals.log;
  if (terminal !== undefined) return viewOf(plan, environment, terminal);
  environment.log(`${RATES_LEGEND}\n`);
  return { onProgress: (progress) => environment.log(`${progressLine(progress)}\n`), close: () => {} };
}

function viewOf(
  plan: Plan,
  environment: Environment,
  terminal: NonNullable<Environment['terminals']['log']>,
): RunProgress {
  let progress: Progress = { stage: 'provision', elapsedMs: 0 };
  let load: LoadProgress | undefined;
  let reportedMs = performance.now();
  const faultsSinceMs = new Map<string, number>();
  const admitted: number[] = [];
  const screen = openLiveScreen(environment, terminal, (size, notes) =>
    drawRun(
      {
        ...{ plan, progress, faultsSinceMs, admitted, notes },
        ...(load && { load }),
        sinceMs: performance.now() - reportedMs,
        isInterrupted: environment.interrupt.aborted,
      },
      size,
      terminal,
    ),
  );
  return {
    onProgress(next) {
      progress = next;
      reportedMs = performance.now();
      if (next.load !== undefined) {
        load = next.load;
        noteFaults(faultsSinceMs, load);
        admitted.push(Object.values(load.rates).reduce((sum, { allowed }) => sum + allowed, 0));
      }
      screen.refresh();
    },
    close: screen.close,
  };
}

/** Keeps since when what is in force has been. */
function noteFaults(sinceMs: Map<string, number>, { faults, atMs }: LoadProgress): void {
  for (const name of sinceMs.keys()) if (!faults.includes(name)) sinceMs.delete(name);
  for (const name of faults) if (!sinceMs.has(name)) sinceMs.set(name, atMs);
}
