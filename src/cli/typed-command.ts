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

/** A header may hold a token: reports are shared. */
function withoutSecret(word: string, before: string | undefined): string {
  const [, flag = '', name = '', value = ''] = /^(--header=)?([^=:\s]+)[=:]\s*(.*)$/s.exec(word) ?? [];
  const isHeader = flag !== '' || before === '--header';
  return isHeader && !value.startsWith('env:') ? `${flag}${name}=...` : word;
}

function quotedForShell(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
