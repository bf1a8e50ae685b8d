import type { DenialContext, Finding, WitnessLine } from '../checker/findings/finding.ts';
import { rounded, secondsText } from '../core/units.ts';
import { labelled } from './fit-lines.ts';

const WIDTH = 40;
const NARROWEST = 10;
const MOST_LINES = 12;

/**
 * A finding that a person can verify by hand: the inequality with its numbers, and one line for each operation
 * of the proof with its interval, in seconds since the first began. With few `columns`, bars are shorter and levels have
 * lines of their own.
 */
export function renderTimeline(finding: Finding, columns = Number.POSITIVE_INFINITY): string[] {
  const { witness, witnessCount: count = finding.witness.length } = finding;
  const title = labelled('  ', `bucket ${finding.bucket}: ${finding.inequality}`, columns);
  if (count === 0) return [title];
  const startUs = witness.reduce(
    (least, { invokedUs }) => Math.min(least, invokedUs),
    Number.POSITIVE_INFINITY,
  );
  const endUs = witness.reduce((most, { lastUs, invokedUs }) => Math.max(most, lastUs ?? invokedUs), startUs);
  const shown =
    witness.length <= MOST_LINES ? witness : [...witness.slice(0, MOST_LINES - 3), ...witness.slice(-2)];
  const left = count - shown.length;
  const lines = shown.flatMap((line, at) => [
    ...(left > 0 && at === shown.length - 2 ? [`    ... ${left} more ...`] : []),
    ...renderLine(line, { startUs, endUs }, columns),
  ]);
  return [
    title,
    `    ${count} ${count === 1 ? 'operation proves' : 'operations prove'} it; 0 s is ${startUs} us`,
    ...lines,
    ...(finding.context === undefined ? [] : renderContext(finding.context, startUs, columns)),
  ];
}

/** The computation of the level, step by step; only the last steps if there are many. */
function renderContext(
  { steps, startLevel, atUs }: DenialContext,
  originUs: number,
  columns: number,
): string[] {
  const seconds = (us: number) => secondsText(us - originUs, 6).padStart(11);
  const shown = steps.slice(-MOST_LINES);
  const before = steps[steps.length - shown.length - 1]?.lowestAfter ?? startLevel;
  return [
    labelled(
      '    ',
      `lowest level, starting at ${rounded(before, 6)}${shown.length < steps.length ? ` after ${steps.length - shown.length} earlier operations` : ''}; each operation takes its tokens as late as possible; the level is lowest at${seconds(atUs)}:`,
      columns,
    ),
    ...shown.map(
      ({ operation, outcome, cost, takenUs, lowestAfter }) =>
        `    #${String(operation.index).padEnd(8)} ${outcome.padEnd(7)} ${String(cost).padStart(3)}  ${seconds(takenUs)}  leaves ${rounded(lowestAfter, 6)}`,
    ),
  ];
}

function renderLine(line: WitnessLine, span: Span, columns: number): string[] {
  const { operation, outcome, cost, invokedUs, lastUs } = line;
  const from = secondsText(invokedUs - span.startUs, 6);
  const to = lastUs === null ? 'open' : secondsText(lastUs - span.startUs, 6);
  const text =
    `    #${String(operation.index).padEnd(8)} ${placeText(line).padEnd(10)} ${outcome.padEnd(7)} ` +
    `${String(cost).padStart(3)}  ${from.padStart(11)} ${to.padStart(11)}  `;
  const width = Math.max(NARROWEST, Math.min(WIDTH, columns - text.length - 2));
  const drawn = `${text}|${bar(line, span, width)}|`;
  const reply = replyText(line);
  if (reply === '') return [drawn];
  const isBeside = drawn.length + 2 + reply.length <= columns;
  return isBeside ? [`${drawn}  ${reply}`] : [drawn, labelled(' '.repeat(15), reply, columns)];
}

/** The region, and its service where it has several: `eu-west 2`. */
export function placeText({ region, instance }: Pick<WitnessLine, 'region' | 'instance'>): string {
  return instance === undefined ? region : `${region} ${instance}`;
}

/** What the reply says: its level, or the values that it states. */
export function replyText({ decision, stated = {} }: WitnessLine): string {
  if (decision !== undefined) return `level ${decision.level} at ${decision.bucketUs} on ${decision.node}`;
  return Object.entries(stated)
    .filter(([name]) => name !== 'resetForm')
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

interface Span {
  readonly startUs: number;
  readonly endUs: number;
}

function bar({ invokedUs, lastUs }: WitnessLine, { startUs, endUs }: Span, width: number): string {
  const place = (us: number) =>
    endUs === startUs ? 0 : Math.floor(((us - startUs) * (width - 1)) / (endUs - startUs));
  const from = place(invokedUs);
  const to = lastUs === null ? width - 1 : place(lastUs);
  return `${' '.repeat(from)}${'='.repeat(to - from + 1)}${' '.repeat(width - 1 - to)}`;
}
