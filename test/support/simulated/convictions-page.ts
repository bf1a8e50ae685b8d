import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '../../../docs/results/simulated-convictions.md');

/** Replaces what stands before the first section of the page, or a section; a new one is the last. */
export function writeSection(title: string | undefined, text: string): void {
  const [head = '', ...sections] = readFileSync(FILE, 'utf8').split(/^## /m);
  const section = `${title}\n\n${text.trim()}\n`;
  const at = sections.findIndex((each) => each.startsWith(`${title}\n`));
  const all = at < 0 && title !== undefined ? [...sections, section] : sections.with(at, section);
  const first = title === undefined ? text : head;
  writeFileSync(
    FILE,
    [first.trim(), ...(title === undefined ? sections : all).map((each) => `## ${each.trim()}`)].join(
      '\n\n',
    ) + '\n',
  );
}
