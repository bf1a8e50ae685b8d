import { existsSync, readdirSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { OpenclawError } from '../../core/errors.ts';
import { parseScenario } from '../../scenario/parse.ts';
import { runPart } from './run-part.ts';

const TEXT = '# Mine.\npolicy: 10:5/s\nload: { users: 6, connections: 6 }\nclaims: [total-excess <= 0]\n';

/** Runs a part whose system fails with this code; gives the folders whose logs were named, and the folder of the run. */
async function failingPart(code: 'INTERRUPTED' | 'ENVIRONMENT_FAILED', { hasLogs = true } = {}) {
  const logs: string[] = [];
  let own = '';
  const provide = async ({ folder }: { folder: string }) => {
    own = folder;
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    if (hasLogs) await mkdir(join(folder, 'logs'));
    throw new OpenclawError(code, 'it fails');
  };
  const running = runPart({
    ...{ plan: parseScenario(TEXT, { file: 'mine.yaml' }), provide, startedAt: new Date(0) },
    ...{ part: { share: { region: 'us-east', nth: 1, of: 1 }, prefix: 'p' }, shell: { cwd: '/', env: {} } },
    ...{ signal: new AbortController().signal, onProgress: () => {}, onExit: () => () => {} },
    ...{ onLeftover: () => {}, onLogs: (folder: string) => logs.push(folder) },
  } as unknown as Parameters<typeof runPart>[0]);
  await expect(running).rejects.toMatchObject({ code });
  return { logs, own, left: existsSync(own) ? readdirSync(own) : undefined };
}

it('names the folder of the logs if a part fails', async () => {
  const { logs, own, left } = await failingPart('ENVIRONMENT_FAILED');
  expect([logs, left]).toEqual([[own], ['logs']]);
});

it('leaves no folder without logs', async () => {
  expect(await failingPart('ENVIRONMENT_FAILED', { hasLogs: false })).toMatchObject({
    logs: [],
    left: undefined,
  });
});

it('leaves no folder of a part that is interrupted', async () => {
  expect(await failingPart('INTERRUPTED')).toMatchObject({ logs: [], left: undefined });
});
