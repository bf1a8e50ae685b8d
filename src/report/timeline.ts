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
  const drawn = drawLine(line, { ...line, what: line.outcome, tokens: line.cost }, { span, columns });
  const reply = replyText(line);
  const isBeside = drawn.length + 2 + reply.length <= columns;
  const beside = reply === '' ? drawn : `${drawn}  ${reply}`;
  return [
    ...(reply === '' || isBeside ? [beside] : [drawn, labelled(' '.repeat(15), reply, columns)]),
    ...(line.returned ?? []).map((returned) =>
      drawLine(
        line,
        { ...returned, what: RETURNED[returned.outcome], tokens: -returned.tokens, mark: '-' },
        { span, columns },
      ),
    ),
  ];
}

/** What a line says of tokens that came back, did not, or may have. */
const RETURNED = { allowed: 'settled', failed: 'failed', info: 'maybe' } as const;

interface Drawn extends Pick<WitnessLine, 'invokedUs' | 'lastUs'> {
  readonly what: string;
  readonly tokens: number;
  readonly mark?: string;
}

function drawLine(
  line: WitnessLine,
  { what, tokens, mark, ...times }: Drawn,
  { span, columns }: { span: Span; columns: number },
): string {
  const from = secondsText(times.invokedUs - span.startUs, 6);
  const to = times.lastUs === null ? 'open' : secondsText(times.lastUs - span.startUs, 6);
  const text =
    `    #${String(line.operation.index).padEnd(8)} ${placeText(line).padEnd(10)} ${what.padEnd(7)} ` +
    `${String(tokens).padStart(3)}  ${from.padStart(11)} ${to.padStart(11)}  `;
  const width = Math.max(NARROWEST, Math.min(WIDTH, columns - text.length - 2));
  return `${text}|${bar(times, { span, width, mark })}|`;
}

/** The region, and its service where it has several: `eu-west 2`. */
export function placeText({ region, instance }: Pick<WitnessLine, 'region' | 'instance'>): string {
  return instance === undefined ? region : `${region} ${instance}`;
}

/** What came back of a reservation, in words. */
export function returnedText({ returned = [] }: Pick<WitnessLine, 'returned'>): string {
  return returned
    .map(({ outcome, tokens }) =>
      outcome === 'failed'
        ? 'its settlement failed'
        : `${tokens} ${outcome === 'allowed' ? 'came back' : 'may have come back'}`,
    )
    .join(', ');
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

function bar(
  { invokedUs, lastUs }: Pick<WitnessLine, 'invokedUs' | 'lastUs'>,
  { span: { startUs, endUs }, width, mark = '=' }: { span: Span; width: number; mark?: string | undefined },
): string {
  const place = (us: number) => {
    const at = endUs === startUs ? 0 : Math.floor(((us - startUs) * (width - 1)) / (endUs - startUs));
    return Math.max(0, Math.min(width - 1, at)); // what came back later is at the end
  };
  const from = place(invokedUs);
  const to = lastUs === null ? width - 1 : place(lastUs);
  return `${' '.repeat(from)}${mark.repeat(to - from + 1)}${' '.repeat(width - 1 - to)}`;
}
