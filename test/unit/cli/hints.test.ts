import { expect, it } from 'vitest';
import { asCalled } from '../../../src/cli/process/called-as.ts';
import { callCli } from '../../support/call-cli.ts';

it('hints name the program as it was called, before every command', async () => {
  const { stdout } = await callCli(['--help']);
  const names = [...stdout.matchAll(/^ {2}([a-z]+) .*/gm)].flatMap(([, name]) => name ?? []);
  expect(names.length).toBeGreaterThan(20);
  for (const name of names.filter((name) => name !== 'help'))
    expect(asCalled(`openclaw-rl ${name} x`, 'bin/openclaw-rl')).toBe(`bin/openclaw-rl ${name} x`);
});
