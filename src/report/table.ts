import pc from 'picocolors';
import { listRemarks } from '../checker/findings/notes.ts';
import { type Document, findingsOf, isOnlySlow, reasonsOf } from './check-report.ts';
import { type Look, labelled, labelledCommand } from './fit-lines.ts';
import { callsOf } from './matrix.ts';
import type { RunReport } from './report.ts';
import { listTables } from './rows.ts';
import { shownOf } from './shown.ts';
import { printable, ratioText, readable } from './text.ts';
import { drawTable } from './text-table.ts';
import { renderTimeline } from './timeline.ts';

type Colours = ReturnType<typeof pc.createColors>;

/** The findings of each kind that a terminal shows with their proof. */
const MOST_SHOWN = { 'openclaw-report': 1, 'openclaw-check': 3 };

/**
 * A judged history or run as text for a terminal: the verdict and its reasons, the figures, then the proofs. If the
 * width is known, the last line repeats the verdict, because the first may have scrolled away.
 */
export function renderTable(untrusted: Document, look: Look): string {
  const document = readable(untrusted);
  return [
    renderVerdict(document, look),
    ...listTables(document).map((table) => drawTable(table, look.columns)),
    ...renderFindings(document, look),
    ...makeFoot(document, look),
    '',
  ].join('\n');
}

/** The verdict and its reasons: every claim, the accounts and the causes. */
export function renderVerdict(untrusted: Document, { colour, columns }: Look): string {
  const document = readable(untrusted);
  const colours = pc.createColors(colour);
  const line = (label: string, text: string) => labelled(`  ${label} `, text, columns);
  return [
    verdictLine(document, colours),
    ...reasonsOf(document).map(({ status, reason }) => line(mark(status, colours), reason)),
    ...listRemarks(document).map(({ label, sentence }) => line(colours.bold(label), sentence)),
    ...(document.assumptions ?? []).map((sentence) => line(colours.bold('assumes'), sentence)),
    '',
  ].join('\n');
}

/** The verdict, what keeps it from being better, and the folder of the report; a history that was checked has none. */
export function renderBrief(untrusted: Document, look: Look, folder?: string): string {
  const document = readable(untrusted);
  const colours = pc.createColors(look.colour);
  return [
    verdictLine(document, colours),
    ...reasonsOf(document)
      .filter(({ status }) => status !== 'holds')
      .map(({ status, reason }) => labelled(`  ${mark(status, colours)} `, reason, look.columns)),
    ...(folder === undefined ? [] : [labelled('kept in  ', printable(folder), look.columns)]),
    '',
  ].join('\n');
}

function verdictText(document: Document, colours: Colours): string {
  const { verdict } = document;
  const paint = { pass: colours.green, fail: colours.red, unknown: colours.yellow }[verdict];
  return `${colours.bold(paint(verdict))}${isOnlySlow(document) ? colours.red(', but too slow') : ''}`;
}

function mark(status: 'holds' | 'broken' | 'unknown', colours: Colours): string {
  return { holds: colours.green('ok'), broken: colours.red('FAIL'), unknown: colours.yellow('?') }[status];
}

function renderFindings(document: Document, { columns }: Look): string[] {
  return findingsOf(document).flatMap(([name, buckets, findings]) => {
    if (findings.length === 0) return [];
    const shown = shownOf(findings, MOST_SHOWN[document.format]);
    const rest = buckets - shown.length;
    return [
      `${name}: ${buckets} ${buckets === 1 ? 'bucket' : 'buckets'}`,
      ...shown.flatMap((finding) => renderTimeline(finding, columns)),
      ...(rest > 0 ? [`    ... and ${rest} more; --json has them`] : []),
      '',
    ];
  });
}

function callsText(report: RunReport): string {
  const calls = callsOf(report);
  return calls === null ? '' : `, ${ratioText(calls)} Redis calls per decision`;
}

function failurePolicyText({ plan: { onFailure } }: RunReport): string {
  return onFailure === undefined ? '' : ` with --on-failure ${onFailure}`;
}

/** The run, its clocks, its seed and the command that repeats it. */
function makeFoot(document: Document, { colour, columns, program }: Look): string[] {
  const { clock } = document;
  const run =
    document.format === 'openclaw-check'
      ? labelled(
          'policy   ',
          `${Object.entries(document.policies)
            .map(([name, policy]) => (name === '' ? policy : `${name} ${policy}`))
            .join(', ')}; initial level ${document.initial}; strategy ${document.strategy}`,
          columns,
        )
      : labelled(
          'run      ',
          `${document.strategy}${failurePolicyText(document)}, policy ${document.policy}, ${document.system}; ${document.sent} requests, ${document.requestsPerSecond}/s${callsText(document)}`,
          columns,
        );
  const clockText = `allowance for over-admission: ${clock.epsilonUs} us, ${clock.rhoPpm} ppm; for false denials: ${clock.epsilonUs + clock.backwardUs + clock.spreadUs} us, ${clock.slowPpm} ppm; ${clock.steps.length} steps`;
  return [
    run,
    labelled('clock    ', clockText, columns),
    `seed     ${document.seed}`,
    labelledCommand(
      'again    ',
      document.command.replace(/^openclaw-rl(?= )/, () => program ?? 'openclaw-rl'),
      columns,
    ),
    ...lastLine(document, { colour, columns }),
  ];
}

function lastLine(document: Document, { colour, columns }: Look): string[] {
  const folder = document.format === 'openclaw-check' ? undefined : document.folder;
  if (columns === undefined) return folder === undefined ? [] : [`kept in  ${folder}`];
  const line = verdictLine(document, pc.createColors(colour));
  return [folder === undefined ? line : labelled(`${line}, kept in `, folder, columns)];
}

function verdictLine(document: Document, colours: Colours): string {
  return `${colours.bold('verdict')}  ${verdictText(document, colours)}`;
}
