import Table from 'cli-table3';
import pc from 'picocolors';
import { remarksOf } from '../checker/notes.ts';
import { type Document, findingsOf, isOnlySlow } from './check-report.ts';
import type { RunReport } from './report.ts';
import { tablesOf } from './rows.ts';
import { ratioText, readable } from './text.ts';
import { renderTimeline } from './timeline.ts';

type Colours = ReturnType<typeof pc.createColors>;

/** How many findings of a kind a terminal shows with their proof: of a run the worst, of a history a few. */
const MOST_SHOWN = { 'openclaw-report': 1, 'openclaw-check': 3 };

/** A judged history or run as text for a terminal: the verdict and its reasons, the figures, then the proofs. */
export function renderTable(untrusted: Document, { colour }: { colour: boolean }): string {
  const document = readable(untrusted);
  return [
    renderVerdict(document, { colour }),
    ...tablesOf(document).map(({ head, rows }) => draw(head, rows)),
    ...renderFindings(document),
    ...footOf(document),
    '',
  ].join('\n');
}

/** The verdict and its reasons: every claim, the accounts, and what is wrong. */
export function renderVerdict(untrusted: Document, { colour }: { colour: boolean }): string {
  const document = readable(untrusted);
  const colours = pc.createColors(colour);
  return [
    `${colours.bold('verdict')}  ${verdictText(document, colours)}`,
    ...document.claims.map(({ status, reason }) => `  ${mark(status, colours)} ${reason}`),
    ...document.accounts.map(
      ({ verdict, reason }) => `  ${mark(verdict === 'pass' ? 'holds' : 'unknown', colours)} ${reason}`,
    ),
    ...remarksOf(document).map(({ label, sentence }) => `  ${colours.bold(label)} ${sentence}`),
    ...(document.assumptions ?? []).map((sentence) => `  ${colours.bold('assumes')} ${sentence}`),
    '',
  ].join('\n');
}

/** A table with a head, as wide as its content. */
export function draw(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push([...row]);
  return table.toString();
}

function verdictText(document: Document, colours: Colours): string {
  const { verdict } = document;
  const paint = { pass: colours.green, fail: colours.red, unknown: colours.yellow }[verdict];
  return `${colours.bold(paint(verdict))}${isOnlySlow(document) ? colours.red(', but too slow') : ''}`;
}

function mark(status: 'holds' | 'broken' | 'unknown', colours: Colours): string {
  return { holds: colours.green('ok'), broken: colours.red('FAIL'), unknown: colours.yellow('?') }[status];
}

function renderFindings(document: Document): string[] {
  return findingsOf(document).flatMap(([name, buckets, findings]) => {
    if (findings.length === 0) return [];
    const shown = findings.slice(0, MOST_SHOWN[document.format]);
    const rest = buckets - shown.length;
    return [
      `${name}: ${buckets} ${buckets === 1 ? 'bucket' : 'buckets'}`,
      ...shown.flatMap(renderTimeline),
      ...(rest > 0 ? [`    ... and ${rest} more; --json has them`] : []),
      '',
    ];
  });
}

function callsText({ redisCalls, outcomes }: RunReport): string {
  const decisions = outcomes.allowed + outcomes.denied;
  if (redisCalls === undefined || decisions === 0) return '';
  return `, ${ratioText(redisCalls / decisions)} Redis calls a decision`;
}

function failurePolicyText({ plan: { onFailure } }: RunReport): string {
  return onFailure === undefined ? '' : ` with --on-failure ${onFailure}`;
}

/** What it takes to understand the figures and to make them again. */
function footOf(document: Document): string[] {
  const { clock } = document;
  const run =
    document.format === 'openclaw-check'
      ? `policy   ${Object.entries(document.policies)
          .map(([name, policy]) => (name === '' ? policy : `${name} ${policy}`))
          .join(', ')}; initial level ${document.initial}; strategy ${document.strategy}`
      : `run      ${document.strategy}${failurePolicyText(document)}, policy ${document.policy}, ${document.system}; ${document.sent} requests, ${document.requestsPerSecond}/s${callsText(document)}`;
  return [
    run,
    `clock    against over-admission: + ${clock.epsilonUs} us, ${clock.rhoPpm} ppm; against false denials: - ${clock.epsilonUs + clock.backwardUs + clock.spreadUs} us, ${clock.slowPpm} ppm; ${clock.steps.length} steps`,
    `seed     ${document.seed}`,
    `again    ${document.command}`,
    ...(document.format === 'openclaw-check' ? [] : [`kept in  ${document.folder}`]),
  ];
}
