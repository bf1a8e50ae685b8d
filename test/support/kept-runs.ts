import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Owner } from '../../src/regions/store/cluster-state.ts';

/** What a run with this number leaves; each is a second later than the one before. */
export const runName = (at: number) =>
  `${new Date(Date.UTC(2026, 10, 27, 10, 0, at)).toISOString().replace(/[-:.]/g, '')}-bench-${at}`;

/** All that makes a run whole, by the path in its folder. */
export const FILES = {
  'plan.json': '{"scenario":"bench"}',
  'history.ndjson': '{"type":"header"}\n',
  'report.json': '{"format":"openclaw-report"}',
  'logs/us-east-0.log': 'Ready to accept connections\n',
  'logs/rating-us-east.log': 'listening\n',
};

/** Puts runs into a folder; gives their names, the oldest first. */
export function putRuns(
  reports: string,
  many: number,
  files: Readonly<Record<string, string>> = FILES,
): string[] {
  const names = Array.from({ length: many }, (_, at) => runName(at));
  for (const name of names) {
    mkdirSync(join(reports, name, 'logs'), { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(reports, name, file), text);
  }
  return names;
}

/** The runs of a folder that have all that makes them whole, and those that lack some of it. */
export function lookAtRuns(reports: string): { readonly whole: string[]; readonly broken: string[] } {
  const runs = readdirSync(reports).filter((name) => /^\d{8}T/.test(name));
  const isWhole = (name: string) => Object.keys(FILES).every((file) => existsSync(join(reports, name, file)));
  return { whole: runs.filter(isWhole).sort(), broken: runs.filter((name) => !isWhole(name)) };
}

const BOOT = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Says in the folder of a run which program writes it; by default one of this machine. */
export function writeWriter(
  folder: string,
  writer: Owner & { readonly host?: string; readonly boot?: string },
): void {
  writeFileSync(join(folder, '.running'), JSON.stringify({ host: hostname(), boot: BOOT, ...writer }));
}
