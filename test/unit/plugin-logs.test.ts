import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readPluginLogs } from '../../src/experiment/plugin-logs.ts';
import { testFolder } from '../support/cli.ts';

function folderWith(logs: Readonly<Record<string, string>>): string {
  const folder = testFolder();
  mkdirSync(join(folder, 'logs'));
  for (const [name, text] of Object.entries(logs)) writeFileSync(join(folder, 'logs', name), text);
  return folder;
}

it('gives the first error of each code, and the takes that each service left open', async () => {
  const folder = folderWith({
    'rating-a.log':
      'hello\ncannot decide: plugin:x: no [LIMITER_FAILED]\ncannot decide: plugin:x: never [LIMITER_FAILED]\n' +
      'not answered for 2 s: 3 takes\nnot answered for 2 s: 2 takes\n',
    'rating-b.log': 'cannot decide: plugin:x: busy [LIMITER_REFUSED]\nnot answered for 2 s: 5 takes\n',
    'rating-c.log': 'not answered for 2 s: 5 takes\nnot answered for 2 s: 0 takes\n',
    'gateway-a.log': 'cannot decide: not a service [REPLY_LOST]\n',
  });
  const errors = { LIMITER_FAILED: 'plugin:x: no', LIMITER_REFUSED: 'plugin:x: busy' };
  expect(await readPluginLogs(folder)).toEqual({ errors, unanswered: 7, outside: [] });
});

it('tells the services of a simulation apart', async () => {
  const [one, other] = ['service 1 of a, start 1: ', 'service 2 of a, start 1: '];
  const lines = [`${one}cannot decide: plugin:x: no [LIMITER_FAILED]`, `${one}not answered for 2 s: 3 takes`];
  const log = [...lines, `${other}not answered for 2 s: 4 takes`, `${one}not answered for 2 s: 1 takes`];
  const folder = folderWith({ 'rating-simulated.log': `${log.join('\n')}\n` });
  expect(await readPluginLogs(folder)).toEqual({
    ...{ errors: { LIMITER_FAILED: 'plugin:x: no' }, unanswered: 5, outside: [] },
  });
});

it('reads the beginning and the end of a long log, and cuts and escapes an error', async () => {
  const first = `cannot decide: \u001b[31m${'x'.repeat(1_000)} [LIMITER_FAILED]\n`;
  const log = `${first}${'noise\n'.repeat(600_000)}not answered for 2 s: 4 takes\n`;
  const { errors, unanswered } = await readPluginLogs(folderWith({ 'rating-a.log': log }));
  expect(unanswered).toBe(4);
  expect(errors.LIMITER_FAILED).toMatch(/^\\u001b\[31mx{180,}\.\.\.$/);
  expect(errors.LIMITER_FAILED?.length).toBe(200);
});

it('names each service whose limiter connected from outside its region', async () => {
  const outside =
    'outside its region: connected to 127.77.2.1:7100 from 127.0.0.1, and not from redis.localAddress, 127.77.1.200\n';
  const folder = folderWith({ 'rating-a.log': `hello\n${outside}`, 'rating-b.log': 'hello\n' });
  const how = 'connected to 127.77.2.1:7100 from 127.0.0.1, and not from redis.localAddress, 127.77.1.200';
  expect(await readPluginLogs(folder)).toMatchObject({ outside: [`rating-a ${how}`] });
});

it('finds nothing without logs', async () => {
  expect(await readPluginLogs(testFolder())).toEqual({ errors: {}, unanswered: 0, outside: [] });
});
