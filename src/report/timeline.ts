import type { DenialContext, Finding, WitnessLine } from '../checker/finding.ts';

const WIDTH = 40;
const MOST_LINES = 12;

/**
 * A finding that a person can verify by hand: the inequality with its numbers, and one line for each operation
 * of the proof with its interval, in seconds since the first began.
 */
export function renderTimeline(finding: Finding): string[] {
  const { witness, witnessCount: count = finding.witness.length } = finding;
  if (count === 0) return [`  bucket ${finding.bucket}: ${finding.inequality}`];
  const startUs = witness.reduce(
    (least, { invokedUs }) => Math.min(least, invokedUs),
    Number.POSITIVE_INFINITY,
  );
  const endUs = witness.reduce((most, { lastUs, invokedUs }) => Math.max(most, lastUs ?? invokedUs), startUs);
  const shown =
    witness.length <= MOST_LINES ? witness : [...witness.slice(0, MOST_LINES - 3), ...witness.slice(-2)];
  const lines = shown.map((line) => renderLine(line, { startUs, endUs }));
  if (shown.length < count) lines.splice(shown.length - 2, 0, `    ... ${count - shown.length} more ...`);
  return [
    `  bucket ${finding.bucket}: ${finding.inequality}`,
    `    ${count} ${count === 1 ? 'operation proves' : 'operations prove'} it; 0 s is ${startUs} us`,
    ...lines,
    ...(finding.context === undefined ? [] : renderContext(finding.context, startUs)),
  ];
}

/** How the level came about, for a person to add up; the last lines where there are many. */
function renderContext({ steps, startLevel, atUs }: DenialContext, originUs: number): string[] {
  const seconds = (us: number) => ((us - originUs) / 1_000_000).toFixed(6).padStart(11);
  const shown = steps.slice(-MOST_LINES);
  const before = steps[steps.length - shown.length - 1]?.lowestAfter ?? startLevel;
  return [
    `    the lowest level, from ${round(before)}${shown.length < steps.length ? ` after ${steps.length - shown.length} more` : ''}, each taken as late as it can be; lowest at${seconds(atUs)}:`,
    ...shown.map(
      ({ operation, outcome, cost, takenUs, lowestAfter }) =>
        `    #${String(operation.index).padEnd(8)} ${outcome.padEnd(7)} ${String(cost).padStart(3)}  ${seconds(takenUs)}  leaves ${round(lowestAfter)}`,
    ),
  ];
}

function round(tokens: number): number {
  return Math.round(tokens * 1e6) / 1e6;
}

function renderLine(line: WitnessLine, span: { startUs: number; endUs: number }): string {
  const { operation, region, outcome, cost, invokedUs, lastUs, decision } = line;
  const from = ((invokedUs - span.startUs) / 1_000_000).toFixed(6);
  const to = lastUs === null ? 'open' : ((lastUs - span.startUs) / 1_000_000).toFixed(6);
  const level =
    decision === undefined ? '' : `  level ${decision.level} at ${decision.bucketUs} on ${decision.node}`;
  return (
    `    #${String(operation.index).padEnd(8)} ${region.padEnd(10)} ${outcome.padEnd(7)} ` +
    `${String(cost).padStart(3)}  ${from.padStart(11)} ${to.padStart(11)}  |${bar(line, span)}|${level}`
  );
}

function bar(
  { invokedUs, lastUs }: WitnessLine,
  { startUs, endUs }: { startUs: number; endUs: number },
): string {
  const place = (us: number) =>
    endUs === startUs ? 0 : Math.floor(((us - startUs) * (WIDTH - 1)) / (endUs - startUs));
  const from = place(invokedUs);
  const to = lastUs === null ? WIDTH - 1 : place(lastUs);
  return `${' '.repeat(from)}${'='.repeat(to - from + 1)}${' '.repeat(WIDTH - 1 - to)}`;
}
