import pc from 'picocolors';
import { listRemarks } from '../checker/findings/notes.ts';
import { type Document, findingsOf, isOnlySlow, reasonsOf, simulatedText } from './check-report.ts';
import { type Look, labelled } from './fit-lines.ts';
import { shownOf } from './shown.ts';
import { readable } from './text.ts';
import { renderTimeline } from './timeline.ts';

type Colours = ReturnType<typeof pc.createColors>;

/** The findings of each kind that are shown with their proof. */
const MOST_SHOWN = { 'openclaw-report': 1, 'openclaw-check': 3 };

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

/** The proofs of what was found, by kind, of a document that is `readable`. */
export function renderFindings(document: Document, { columns }: Look): string[] {
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

/** `verdict  pass`. */
export function verdictLine(document: Document, colours: Colours): string {
  return `${colours.bold('verdict')}  ${verdictText(document, colours)}`;
}

/** Whether a claim holds, in two to four letters. */
export function mark(status: 'holds' | 'broken' | 'unknown', colours: Colours): string {
  return { holds: colours.green('ok'), broken: colours.red('FAIL'), unknown: colours.yellow('?') }[status];
}

function verdictText(document: Document, colours: Colours): string {
  const { verdict } = document;
  const paint = { pass: colours.green, fail: colours.red, unknown: colours.yellow }[verdict];
  return `${colours.bold(paint(verdict))}${isOnlySlow(document) ? colours.red(', but too slow') : ''}${simulatedText(document)}`;
}
