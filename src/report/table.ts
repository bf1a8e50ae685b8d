import pc from 'picocolors';
import { EXTERNAL } from '../core/strategies.ts';
import { type Document, limiterOf, limitOf, reasonsOf, simulatedText } from './check-report.ts';
import { type Look, labelled, labelledCommand } from './fit-lines.ts';
import { callsOf } from './matrix.ts';
import type { RunReport } from './report.ts';
import { listTables } from './rows.ts';
import { printable, ratioText, readable } from './text.ts';
import { drawTable } from './text-table.ts';
import { mark, renderFindings, renderVerdict, verdictLine } from './verdict-text.ts';

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

function callsText(report: RunReport): string {
  const calls = callsOf(report);
  return calls === null ? '' : `, ${ratioText(calls)} Redis calls per decision`;
}

function failurePolicyText({ plan: { onFailure } }: RunReport): string {
  return onFailure === undefined ? '' : ` with --on-failure ${onFailure}`;
}

/** The limiter, the limit that it is judged by, and how often it was asked. */
function runText(report: RunReport): string {
  const { strategy, system, sent, requestsPerSecond } = report;
  const limiter = `${limiterOf(report)}${failurePolicyText(report)}`;
  const place = strategy === EXTERNAL ? '' : `, ${system}`;
  return `${limiter}, ${limitOf(report).join(' ')}${place}${simulatedText(report)}; ${sent} requests, ${requestsPerSecond}/s${callsText(report)}`;
}

/** The run, its clocks, its seed and the command that repeats it. */
function makeFoot(document: Document, { colour, columns, program }: Look): string[] {
  const { clock } = document;
  const [limitName, limit] = limitOf(document);
  const run =
    document.format === 'openclaw-check'
      ? labelled(
          `${limitName.padEnd(8)} `,
          `${limit}; initial level ${document.initial}; strategy ${document.strategy}${simulatedText(document)}`,
          columns,
        )
      : labelled('run      ', runText(document), columns);
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
