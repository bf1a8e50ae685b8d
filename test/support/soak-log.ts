import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '../../docs/results/soak.md');
const TITLE = `# Soak results

Written by \`npm run soak\`: the long repetitions, each section as it last ran.

Columns: *unaccounted* are requests that were sent and are not in the history; *largest excess* and *worst window* are of
one bucket; *lost decisions* are those that a successor lacked; *contested, least* is how many of the 100 busiest buckets
the run with the fewest drained and saw deny; *declared* is the bound of the strategy for what happened.
`;

/** Replaces one section of docs/results/soak.md by the lines of this run. */
export function logSoak(section: string, lines: readonly string[]): void {
  mkdirSync(join(FILE, '..'), { recursive: true });
  const kept = readSections().filter(([title]) => title !== section);
  const machine = `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} cores`;
  const text = [...kept, [section, `${machine}\n\n${lines.join('\n')}`] as const]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([title, body]) => `\n## ${title}\n${body.trim()}\n`);
  writeFileSync(FILE, TITLE + text.join(''));
}

function readSections(): (readonly [title: string, body: string])[] {
  let text = '';
  try {
    text = readFileSync(FILE, 'utf8');
  } catch {
    return [];
  }
  return text
    .split(/^## /m)
    .slice(1)
    .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)] as const);
}
