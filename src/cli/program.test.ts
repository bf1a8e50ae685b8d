import { expect, it } from 'vitest';
import type { Environment } from './process/environment.ts';
import { runTyped } from './program.ts';

async function helpOf(path: readonly string[]): Promise<string> {
  let help = '';
  const environment = {
    commandLine: [...path, '--help'],
    out: (text: string) => {
      help += text;
    },
    log: () => {},
    setExitCode: () => {},
  };
  await runTyped(environment as unknown as Environment);
  return help;
}

/** The help of a command and of all commands below it, by path. */
async function allHelp(path: readonly string[]): Promise<(readonly [path: string, help: string])[]> {
  const help = await helpOf(path);
  const [, list = ''] = /^Commands:\n((?: .*\n)+)/m.exec(help) ?? [];
  const names = [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name);
  const below = names.filter((name) => name !== 'help').map((name) => allHelp([...path, name]));
  return [[path.join(' '), help], ...(await Promise.all(below)).flat()];
}

it('every help fits 80 columns, with comments on lines of their own', { timeout: 240_000 }, async () => {
  const hidden = ['regional-toxiproxy', 'read-plugin'].map((name) => allHelp([name]));
  const helps = [...(await allHelp([])), ...(await Promise.all(hidden)).flat()];
  expect(helps.map(([path]) => path)).toEqual(
    expect.arrayContaining(['', 'bench', 'chaos flap', 'fault heal', 'serve gateway', 'read-plugin']),
  );
  expect(helps.length).toBeGreaterThan(40);
  const wrong = helps.flatMap(([path, help]) =>
    help
      .split('\n')
      .filter((line) => line.length > 80 || /^ +\$ .* # /.test(line))
      .map((line) => `${path}: ${line}`),
  );
  expect(wrong).toEqual([]);
});
