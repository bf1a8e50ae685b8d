import { listRemarks } from '../checker/findings/notes.ts';
import { type Document, findingsOf, isOnlySlow, limiterOf, limitOf, titleOf } from './check-report.ts';
import { listTables } from './rows.ts';
import { shownOf } from './shown.ts';
import { readable } from './text.ts';
import { renderTimeline } from './timeline.ts';

/** The findings of each kind that are shown with their proof. */
const MOST_SHOWN = 3;

/** A judged history or run as Markdown, for a pull request or a step summary. */
export function renderMarkdown(untrusted: Document): string {
  const document = readable(untrusted);
  const slow = isOnlySlow(document) ? ', but too slow' : '';
  return [
    `# ${escaped(titleOf(document))}: ${document.verdict}${slow}`,
    '',
    ...document.claims.map(({ status, reason }) => `- **${status}** ${escaped(reason)}`),
    ...document.accounts.map(({ verdict, reason }) => `- **${verdict}** ${escaped(reason)}`),
    ...listRemarks(document).map(({ label, sentence }) => `- **${label}** ${escaped(sentence)}`),
    ...(document.assumptions ?? []).map((sentence) => `- **assumes** ${escaped(sentence)}`),
    '',
    ...listTables(document).flatMap(({ head, rows }) => [...renderMarkdownTable(head, rows), '']),
    ...findingsOf(document).flatMap(([name, , findings]) =>
      findings.length === 0
        ? []
        : [
            `## ${escaped(name)}`,
            '',
            '```text',
            ...shownOf(findings, MOST_SHOWN).flatMap((finding) => renderTimeline(finding).map(inFence)),
            '```',
            '',
          ],
    ),
    `${escaped(subjectOf(document))}; seed ${document.seed}; again:`,
    '',
    '```sh',
    inFence(document.command),
    '```',
    '',
  ].join('\n');
}

/** The limiter of a run, and the limit that it is judged by. */
function subjectOf(document: Document): string {
  const [name, limit] = limitOf(document);
  const limiter = document.format === 'openclaw-check' ? document.strategy : limiterOf(document);
  return `Limiter ${limiter}, ${name} ${limit}`;
}

/** Columns named in `urls` have URLs, separated by blanks, which become links. */
export function renderMarkdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  urls: readonly string[] = [],
): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const cell = (text: string, at: number) =>
    urls.includes(head[at] ?? '') ? text.split(' ').map(linked).join(' ') : escaped(text);
  return [
    line(head.map(escaped)),
    `|${' --- |'.repeat(head.length)}`,
    ...rows.map((row) => line(row.map(cell))),
  ];
}

/** A URL without characters that could end it or the cell; any other text is escaped. */
function linked(url: string): string {
  return /^https?:\/\/[\w.~/%?=&+#:@,-]+$/.test(url) ? `<${url}>` : escaped(url);
}

/** Escapes links, mentions, markup and the end of a cell. */
export function escaped(text: string): string {
  return text
    .replace(/[\\|`*_[\]<>&#~$]/g, (c) => (/[<>&]/.test(c) ? (ENTITIES[c] ?? c) : `\\${c}`))
    .replaceAll('@', '&#64;')
    .replaceAll('://', ':&#47;/')
    .replaceAll(/www\./gi, 'www&#46;');
}

const ENTITIES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;' };

/** Escapes the end of the fence. */
function inFence(line: string): string {
  return line.replaceAll('```', "'''");
}
