import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HistoryFile } from '../../src/experiment/history-file.ts';
import { testFolder } from '../support/cli.ts';
import { headerOf, operationOf } from '../support/history.ts';

it('has its header at once and what was recorded a second ago, if the program is killed', async () => {
  const path = join(testFolder(), 'history.ndjson');
  const file = new HistoryFile(path, headerOf('20:5/s'), () => {});
  const lines = () => readFileSync(path, 'utf8').split('\n').length - 1;
  await expect.poll(lines).toBe(1);
  let added = 0;
  await expect
    .poll(
      () => {
        file.add(operationOf(added++, {}));
        return lines();
      },
      { timeout: 20_000, interval: 50 },
    )
    .toBeGreaterThan(10);
  await file.end({ type: 'end', atUs: 0, sent: added });
  expect(lines()).toBe(added + 2);
});
