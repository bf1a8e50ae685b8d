import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '../../../docs/results/simulated-convictions.md');

/** Replaces what stands before the first section of the page, or a section; a new one is the last. */
export function writeSection(title: string | undefined, text: string): void {
  const [head = '', ...sections] = readFileSync(FILE, 'utf8').split(/^## /m);
  const section = `${title}\n\n${text}`;
  const at = sections.findIndex((each) => each.startsWith(`${title}\n`));
  if (title !== undefined) sections.splice(at < 0 ? sections.length : at, 1, section);
  const parts = [title === undefined ? text : head, ...sections.map((each) => `## ${each}`)];
  writeFileSync(FILE, `${parts.map((part) => part.trim()).join('\n\n')}\n`);
}
