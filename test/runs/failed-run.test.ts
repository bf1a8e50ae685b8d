import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli, testFolder } from '../support/cli.ts';

/** A plug-in that never decides, so that no request of the warm-up gets a reply. */
const MUTE =
  'export const createLimiter = () => ({ take: () => new Promise(() => {}), close: async () => {} });';

it('a run that failed keeps its error and the logs of its nodes', async () => {
  const cwd = testFolder();
  writeFileSync(join(cwd, 'mute.mjs'), MUTE);
  const args = [
    '--limiter',
    'mute.mjs',
    '--connections',
    '5',
    '--users',
    '5',
    '--duration',
    '2s',
    '--seed',
    '1',
  ];
  const { code, stderr } = await runCli(['bench', ...args, '--regions', 'a,b', '--replicas', '0'], { cwd });
  expect({ code, stderr }).toMatchObject({
    code: 69,
    stderr: expect.stringContaining('sent no reply within'),
  });

  const [name = ''] = readdirSync(join(cwd, 'reports'));
  const folder = join(cwd, 'reports', name);
  expect(stderr).toContain(`the run has no report; its logs are in ${folder}\n`);
  expect(JSON.parse(readFileSync(join(folder, 'error.json'), 'utf8'))).toMatchObject({
    ...{ format: 'openclaw-run-error', version: 1, code: 'TARGET_SILENT' },
    message: expect.stringContaining('sent no reply within'),
    command: expect.stringContaining('bench --limiter mute.mjs'),
  });
  const logs = readdirSync(join(folder, 'logs')).sort();
  expect(logs).toEqual(expect.arrayContaining(['a-0.log', 'b-0.log', 'rating-a.log', 'toxiproxy.log']));
  expect(readFileSync(join(folder, 'logs/a-0.log'), 'utf8')).toContain('Ready to accept connections');
  const { stdout } = await runCli(['runs'], { cwd });
  expect(stdout).toContain('there is no report: the run failed');
}, 120_000);
