import { withoutQuery } from '../load/target.ts';
import type { Environment } from './environment.ts';

/** What was typed, to be typed again: quoted for a shell, with the seed, and without what headers hold. */
export function typedCommand({ commandLine }: Pick<Environment, 'commandLine'>, seed: number): string {
  const typed = commandLine
    .map((word, at) => withoutSecret(word, commandLine[at - 1]))
    .filter((word) => word !== '--json')
    .map(quotedForShell);
  const hasSeed = commandLine.some((word) => word === '--seed' || word.startsWith('--seed='));
  return ['openclaw-rl', ...typed, ...(hasSeed ? [] : ['--seed', String(seed)])].join(' ');
}

/** A header, a body and a query may hold a token: reports are shared. */
function withoutSecret(word: string, before: string | undefined): string {
  const [, own, joined = ''] = /^(--header|--body|--target)=(.*)$/s.exec(word) ?? [];
  if (own !== undefined) return `${own}=${HIDE[own]?.(joined) ?? joined}`;
  return HIDE[before ?? '']?.(word) ?? word;
}

const HIDE: Readonly<Record<string, (value: string) => string>> = {
  '--header': (header) => {
    const [, name = '', value = ''] = /^([^=:\s]+)[=:]\s*(.*)$/s.exec(header) ?? [];
    return value.startsWith('env:') ? header : `${name}=...`;
  },
  '--body': (body) => (body.startsWith('env:') ? body : '...'),
  '--target': withoutQuery,
};

/** A word as a POSIX shell reads it back. */
export function quotedForShell(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
