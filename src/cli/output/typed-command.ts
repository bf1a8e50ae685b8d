import { withoutQuery } from '../../load/target.ts';
import type { Environment } from '../process/environment.ts';

/** The typed command line, quoted for a shell, with the seed and without the values of headers. */
export function typedCommand({ commandLine }: Pick<Environment, 'commandLine'>, seed: number): string {
  const typed = commandLine
    .map((word, at) => withoutSecret(word, commandLine[at - 1]))
    .filter((word) => word !== '--json' && word !== '--brief')
    .map(quotedForShell);
  const hasSeed = commandLine.some((word) => word === '--seed' || word.startsWith('--seed='));
  return ['openclaw-rl', ...typed, ...(hasSeed ? [] : ['--seed', String(seed)])].join(' ');
}

/** Hides headers, bodies and queries, which may contain a token: reports are shared. */
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

/** A word, quoted for a POSIX shell. */
export function quotedForShell(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
