import { type Command, Option } from 'commander';
import { printableLines } from '../../core/printable.ts';
import type { Document } from '../../report/check-report.ts';
import { renderJunit } from '../../report/junit.ts';
import { renderMarkdown } from '../../report/markdown.ts';
import { renderBrief, renderTable } from '../../report/table.ts';
import type { Environment } from '../process/environment.ts';

const FORMATS = ['table', 'json', 'md', 'junit'] as const;

export type Format = (typeof FORMATS)[number];

export function formatOption(): Option {
  return new Option('--format <format>', 'how to print the result')
    .choices(FORMATS)
    .default('table')
    .conflicts('json');
}

export function briefOption(): Option {
  return new Option(
    '--brief',
    'print only the verdict, claims that do not hold, and the folder of the report',
  )
    .default(false)
    .conflicts(['format', 'json']);
}

/** The options of commands that print one result. */
export function resultOptions(command: Command): Command {
  return command
    .addOption(formatOption())
    .option('--json', 'the same as --format json', false)
    .addOption(briefOption());
}

/** The flags of `resultOptions`. */
export interface ResultFlags {
  readonly format: Format;
  readonly json: boolean;
  readonly brief?: boolean;
}

/** A document in the requested format; `json` overrides it. */
export function render(
  document: Document,
  { format = 'table', json = false, brief = false }: Partial<ResultFlags>,
  { look }: Pick<Environment, 'look'>,
): string {
  if (brief)
    return renderBrief(document, look, document.format === 'openclaw-report' ? document.folder : undefined);
  switch (json ? 'json' : format) {
    case 'json':
      return jsonText(document);
    case 'md':
      return renderMarkdown(document);
    case 'junit':
      return renderJunit(document);
    case 'table':
      return renderTable(document, look);
  }
}

/** A document as JSON, for `--json` and files. Control characters that JSON allows are escaped too. */
export function jsonText(document: unknown): string {
  return `${printableLines(JSON.stringify(document, undefined, 2))}\n`;
}
