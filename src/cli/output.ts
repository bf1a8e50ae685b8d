import { Option } from 'commander';
import { printableLines } from '../core/errors.ts';
import type { Document } from '../report/check-report.ts';
import { renderJunit } from '../report/junit.ts';
import { renderMarkdown } from '../report/markdown.ts';
import { renderTable } from '../report/table.ts';
import type { Environment } from './environment.ts';

const FORMATS = ['table', 'json', 'md', 'junit'] as const;

export type Format = (typeof FORMATS)[number];

export function formatOption(): Option {
  return new Option('--format <format>', 'how to print the result')
    .choices(FORMATS)
    .default('table')
    .conflicts('json');
}

/** A document in the format that was asked for; `json` overrides it. */
export function render(
  document: Document,
  { format = 'table', json = false }: { readonly format?: Format; readonly json?: boolean },
  { colourOut }: Pick<Environment, 'colourOut'>,
): string {
  switch (json ? 'json' : format) {
    case 'json':
      return jsonText(document);
    case 'md':
      return renderMarkdown(document);
    case 'junit':
      return renderJunit(document);
    case 'table':
      return renderTable(document, { colour: colourOut });
  }
}

/** A document as `--json` prints it and files hold it; what JSON leaves and a terminal obeys is escaped too. */
export function jsonText(document: unknown): string {
  return `${printableLines(JSON.stringify(document, undefined, 2))}\n`;
}
