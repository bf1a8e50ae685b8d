import pc from 'picocolors';
import stringWidth from 'string-width';
import { printable } from '../../core/printable.ts';
import type { LoadProgress, Progress } from '../../experiment/progress.ts';
import { OUTCOMES, type Outcome } from '../../history/records/operation.ts';
import type { Plan, PlannedFault } from '../../scenario/plan.ts';
import type { TerminalSize } from '../process/terminal.ts';

/** The contents of the view of a run. */
export interface RunState {
  readonly plan: Plan;
  readonly progress: Progress;
  /** The latest progress of the load, also after its end. */
  readonly load?: LoadProgress;
  /** Since `progress` was reported. */
  readonly sinceMs: number;
  /** When each fault in force was first reported, by name; milliseconds since the load began. */
  readonly faultsSinceMs: ReadonlyMap<string, number>;
  /** Admitted a second, each second of the load so far. */
  readonly admitted: readonly number[];
  readonly isInterrupted: boolean;
  /** It sends one part of the load, and judges nothing. */
  readonly isPart?: boolean;
  /** Newest last. */
  readonly notes: readonly string[];
}

type Colours = ReturnType<typeof pc.createColors>;

const LABEL = 11;
const NUMBER = 9;
const MOST_NOTES = 4;
/** The line of admissions needs room for this many seconds next to the table. */
const LEAST_HISTORY = 20;
const BARS = [...'▁▂▃▄▅▆▇█'];

/** The lines of a view, cut to the size of the terminal. Control characters in foreign texts are escaped. */
export function drawRun(
  state: RunState,
  { columns, rows }: TerminalSize,
  { colour }: { colour: boolean },
): string[] {
  const colours = pc.createColors(colour);
  const head = [
    title(state, columns, colours),
    stageLine(state, columns, colours),
    faultLine(state, colours),
    '',
  ];
  const evidence = evidenceLines(state, colours);
  const foot = ['', ...noteLines(state), footLine(state, colours)];
  const room = rows - head.length - evidence.length - foot.length;
  const table = regionLines(state, { columns, room }, colours);
  const shownFoot = room - table.length < 0 ? foot.slice(-1) : foot;
  return [...head, ...table, ...evidence, ...shownFoot].slice(0, rows);
}

function title({ plan, progress, sinceMs }: RunState, columns: number, colours: Colours): string {
  const { scenario, strategy, policy, seed } = plan;
  const what = printable(`${scenario}, ${strategy} ${policy}, seed ${seed}`);
  const clock = clockText(progress.elapsedMs + sinceMs);
  const gap = Math.max(2, columns - 2 - stringWidth(`openclaw-rl  ${what}`) - clock.length);
  return `${colours.bold('openclaw-rl')}  ${what}${' '.repeat(gap)}${clock}`;
}

function stageLine({ progress, load, sinceMs }: RunState, columns: number, colours: Colours): string {
  const { stage, detail } = progress;
  const label = colours.bold(stage.padEnd(LABEL));
  if (stage !== 'load' || load === undefined) return `${label}${printable(detail ?? '')}`.trimEnd();
  const atMs = Math.min(load.ofMs, load.atMs + sinceMs);
  const time = `${secondsText(atMs)} of ${secondsText(load.ofMs)} s`;
  const width = Math.min(40, columns - 1 - LABEL - time.length - 2);
  const filled = Math.round((width * atMs) / Math.max(1, load.ofMs));
  return width < 5
    ? `${label}${time}`
    : `${label}${'█'.repeat(filled)}${'░'.repeat(width - filled)}  ${time}`;
}

function faultLine(state: RunState, colours: Colours): string {
  const { plan, progress, load, sinceMs, faultsSinceMs } = state;
  const label = colours.bold('fault'.padEnd(LABEL));
  if (load === undefined || progress.stage !== 'load') {
    const healed = plan.faults.length > 0 && ['heal', 'settle'].includes(progress.stage);
    return `${label}${healed ? 'being healed' : plannedText(plan.faults)}`;
  }
  const nowMs = load.atMs + sinceMs;
  if (load.faults.length > 0) {
    const inForce = load.faults.map((name, at) => {
      const forMs = nowMs - (faultsSinceMs.get(name) ?? nowMs);
      const begun = plan.faults.filter(({ fault, atMs }) => fault === name && atMs <= nowMs);
      const later = load.faults.slice(at + 1).filter((other) => other === name).length;
      const planned = begun.at(-1 - later); // of several that are alike, the latest
      return `${printable(planned ? faultText(planned) : name)}, for ${secondsText(forMs)} s`;
    });
    return `${label}${colours.red(`IN FORCE: ${inForce.join(' + ')}`)}`;
  }
  const next = plan.faults.find(({ atMs }) => atMs > nowMs);
  return `${label}none${next === undefined ? '' : `; ${printable(faultText(next))} in ${secondsText(next.atMs - nowMs)} s`}`;
}

function plannedText(faults: readonly PlannedFault[]): string {
  if (faults.length === 0) return 'none planned';
  return faults.map((fault) => printable(`${faultText(fault)} at ${fault.atMs / 1_000} s`)).join(', ');
}

/** A fault with its arguments: `partition isolate eu-west`. */
function faultText({ fault, atMs: _at, forMs: _for, ...args }: PlannedFault): string {
  const parts = Object.entries(args)
    .filter(([name]) => name !== 'mode')
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.flat().join(' ') : value}`);
  return [fault, ...parts].join(' ');
}

function regionLines(
  { progress, load, admitted }: RunState,
  { columns, room }: { readonly columns: number; readonly room: number },
  colours: Colours,
): string[] {
  const all = Object.entries(load?.rates ?? {});
  if (load === undefined || all.length === 0) return [];
  const width = Math.max(LABEL, ...all.map(([region]) => stringWidth(printable(region)) + 2));
  const row = (name: string, counts: Readonly<Record<Outcome, number>>) =>
    `${padEnd(printable(name), width)}${OUTCOMES.map((outcome) => painted(outcome, String(counts[outcome]).padStart(NUMBER), counts[outcome], colours)).join('')}`;
  const most = Math.max(1, room - 3); // its head, the sum, and an empty line
  const shown = all.length > most ? all.slice(0, most - 1) : all;
  const sum = { allowed: 0, denied: 0, failed: 0, info: 0 };
  for (const [, counts] of all) for (const outcome of OUTCOMES) sum[outcome] += counts[outcome];
  const history = historyLine(admitted, columns - 1 - width - NUMBER * OUTCOMES.length - 4);
  const rates = progress.stage === 'load' ? 'a second' : 'at the end';
  const head = `${padEnd(rates, width)}${OUTCOMES.map((outcome) => outcome.padStart(NUMBER)).join('')}`;
  return [
    `${colours.bold(head)}${history === '' ? '' : '    allowed, one second per bar'}`,
    ...shown.map(([name, counts]) => row(name, counts)),
    ...(shown.length === all.length ? [] : [`... ${all.length - shown.length} more regions`]),
    ...(all.length === 1 ? [] : [`${row('all', sum)}${history === '' ? '' : `    ${history}`}`]),
    '',
  ];
}

function painted(outcome: Outcome, text: string, count: number, colours: Colours): string {
  if (count === 0) return text;
  if (outcome === 'failed' || outcome === 'info') return colours.red(text);
  return outcome === 'allowed' ? colours.green(text) : text;
}

function historyLine(admitted: readonly number[], room: number): string {
  if (room < LEAST_HISTORY) return '';
  const shown = admitted.slice(-room);
  const most = Math.max(1, ...shown);
  return shown.map((count) => BARS[Math.round(((BARS.length - 1) * count) / most)] ?? '').join('');
}

function evidenceLines({ load }: RunState, colours: Colours): string[] {
  if (load === undefined || load.ofBusiest === 0) return [];
  const { atLimit, ofBusiest, excess } = load;
  const label = (name: string) => colours.bold(name.padEnd(LABEL));
  const lines = [
    `${label('at limit')}${atLimit} of the ${ofBusiest} busiest buckets admitted their limit and denied`,
  ];
  if (excess === undefined) lines.push(`${label('excess')}judged at the end: the promise is no token bucket`);
  else if (excess.bucket === undefined)
    lines.push(`${label('excess')}none seen so far; the check at the end is exact`);
  else {
    const found = colours.yellow(`at least ${excess.tokens} tokens`);
    lines.push(`${label('excess')}${found} (a lower bound) in one bucket: ${printable(excess.bucket)}`);
  }
  return lines;
}

function noteLines({ notes }: RunState): string[] {
  return notes.slice(-MOST_NOTES);
}

function footLine({ isInterrupted, isPart, progress }: RunState, colours: Colours): string {
  if (isPart)
    return isInterrupted
      ? colours.yellow('interrupted: stopping; Ctrl-C again quits')
      : colours.dim('Ctrl-C: stop, and keep what was sent');
  if (isInterrupted)
    return colours.yellow('interrupted: healing, then judging the part so far; Ctrl-C again quits');
  if (progress.stage === 'check') return colours.dim('judging every operation');
  return colours.dim('Ctrl-C: stop, heal, judge the part so far');
}

function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}

function secondsText(ms: number): string {
  return (Math.max(0, ms) / 1_000).toFixed(1);
}

function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}
