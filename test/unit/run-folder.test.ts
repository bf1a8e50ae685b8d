import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cannotWrite, makeRunFolder } from '../../src/experiment/run-folder.ts';
import { testFolder } from '../support/cli.ts';

it.each([
  { title: 'of this user alone', before: undefined, mode: 0o700 },
  { title: 'that others may read', before: 0o755, mode: 0o755 },
])('the folder of a run is as accessible as the folder of all runs: $title', async ({ before, mode }) => {
  const reports = join(testFolder(), 'reports');
  if (before !== undefined) mkdirSync(reports, { mode: before });
  const folder = await makeRunFolder(reports, new Date(0), 'bench-1');
  expect([reports, folder].map((each) => statSync(each).mode & 0o777)).toEqual([mode, mode]);
});

it('a folder that cannot be made is no question of disk space', async () => {
  await expect(makeRunFolder('/proc/x', new Date(0), 'bench-1')).rejects.toMatchObject({
    code: 'ENVIRONMENT_FAILED',
    hint: 'choose another folder with --reports, in which this user may write',
  });
  const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  expect(cannotWrite('reports', full).hint).toBe('free disk space, or choose another folder with --reports');
});
