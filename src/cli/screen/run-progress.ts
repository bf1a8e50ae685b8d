import { printable } from '../../core/printable.ts';
import type { LoadProgress, OnProgress, Progress } from '../../experiment/progress.ts';
import { OUTCOMES } from '../../history/records/operation.ts';
import type { Plan } from '../../scenario/plan.ts';
import type { Environment } from '../process/environment.ts';
import { openLiveScreen } from './live-screen.ts';
import { drawRun, type RunState } from './run-view.ts';

/** The progress of a run: a live view on a terminal, else lines. */
export interface RunProgress {
  readonly onProgress: OnProgress;
  /** Must be called before anything else is printed. */
  close(): void;
}

export function showProgress(plan: Plan, environment: Environment, { isPart = false } = {}): RunProgress {
  const terminal = environment.terminals.log;
  if (terminal !== undefined) return makeView({ plan, isPart }, environment, terminal);
  environment.log(`${RATES_LEGEND}\n`);
  return { onProgress: (progress) => environment.log(`${progressLine(progress)}\n`), close: () => {} };
}

function makeView(
  shown: Pick<RunState, 'plan' | 'isPart'>,
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
        ...{ ...shown, progress, faultsSinceMs, admitted, notes },
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

/** Updates when each fault in force began. */
function noteFaults(sinceMs: Map<string, number>, { faults, atMs }: LoadProgress): void {
  for (const name of sinceMs.keys()) if (!faults.includes(name)) sinceMs.delete(name);
  for (const name of faults) if (!sinceMs.has(name)) sinceMs.set(name, atMs);
}

/** One line of progress. */
function progressLine({ stage, elapsedMs, detail, load }: Progress): string {
  const seconds = `${(elapsedMs / 1_000).toFixed(1)} s`.padStart(7);
  const rest = load === undefined ? printable(detail ?? '') : loadText(load);
  return `${seconds}  ${stage.padEnd(9)}  ${rest}`.trimEnd();
}

/** The meaning of the numbers after a region's name. */
const RATES_LEGEND = `rates are ${OUTCOMES.join('/')} a second`;

function loadText({ atMs, ofMs, rates, faults, atLimit, ofBusiest }: LoadProgress): string {
  const regions = Object.entries(rates).map(
    ([region, counts]) => `${region} ${OUTCOMES.map((outcome) => counts[outcome]).join('/')}`,
  );
  return [
    `${Math.round(atMs / 1_000)}/${Math.round(ofMs / 1_000)} s`,
    ...regions,
    ...(ofBusiest === 0 ? [] : [`at limit ${atLimit}/${ofBusiest}`]),
    ...(faults.length === 0 ? [] : [`fault ${faults.join(' + ')}`]),
  ].join('  ');
}
