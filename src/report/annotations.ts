import { listRemarks } from '../checker/findings/notes.ts';
import { type Document, titleOf } from './check-report.ts';
import { printable } from './text.ts';

/** Annotations for GitHub Actions: an error for each broken claim, a warning for each unknown one. */
export function renderAnnotations(untrusted: Document): string {
  const document = printable(untrusted);
  const title = titleOf(document);
  const lines = [
    ...document.claims.flatMap(({ claim, status, reason }) => {
      if (status === 'holds') return [];
      return [annotation(status === 'broken' ? 'error' : 'warning', `${title}: ${claim}`, reason)];
    }),
    ...document.accounts.flatMap(({ verdict, reason }) =>
      verdict === 'pass' ? [] : [annotation('warning', title, reason)],
    ),
    ...listRemarks(document).map(({ label, sentence }) =>
      annotation('notice', `${title}: ${label}`, sentence),
    ),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** One command for GitHub Actions. */
export function annotation(level: 'error' | 'warning' | 'notice', title: string, message: string): string {
  return `::${level} title=${property(title)}::${data(message)}`;
}

/** As actions/toolkit escapes the text of a command. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
