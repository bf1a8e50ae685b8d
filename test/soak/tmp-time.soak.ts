import { appendFileSync } from 'node:fs';
import { it } from 'vitest';
import { explore, describe as show } from '../support/explore.ts';
import { LARGER } from '../support/lease/configurations.ts';
import { leaseModel } from '../support/lease/model.ts';

it('times', { timeout: 9_000_000 }, () => {
  for (const [what, settings] of LARGER.slice(5)) {
    const t = performance.now();
    const e = explore(leaseModel(settings), { maxStates: 1_000_000 });
    appendFileSync(
      '/tmp/soak-time/log2.txt',
      `${what} ${show(e).slice(0, 300)} ${((performance.now() - t) / 1000).toFixed(1)} s ${(process.memoryUsage().heapUsed / 1e6).toFixed(0)} MB\n`,
    );
  }
});
