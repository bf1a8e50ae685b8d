import pc from 'picocolors';
import { type CheckDocument, type Document, reasonsOf, simulatedText } from './check-report.ts';
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

function checkedText({ policies, initial, strategy }: CheckDocument): string {
  const all = Object.entries(policies).map(([name, policy]) => (name === '' ? policy : `${name} ${policy}`));
  return `${all.join(', ')}; initial level ${initial}; strategy ${strategy}`;
}

/** The run, its clocks, its seed and the command that repeats it. */
function makeFoot(document: Document, { colour, columns, program }: Look): string[] {
  const { clock } = document;
  const run =
    document.format === 'openclaw-check'
      ? labelled('policy   ', `${checkedText(document)}${simulatedText(document)}`, columns)
      : labelled(
          'run      ',
          `${document.strategy}${failurePolicyText(document)}, policy ${document.policy}, ${document.system}${simulatedText(document)}; ${document.sent} requests, ${document.requestsPerSecond}/s${callsText(document)}`,
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
