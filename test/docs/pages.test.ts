import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { BESIDE_PAGES } from '../support/doc-blocks.ts';
import { newcomer, shBlocks } from '../support/newcomer.ts';

const ENDPOINTS =
  'npx openclaw-rl bench --endpoints endpoints.yaml --duration 10 --connections 60 --users 12 --skew 0';

const { folder, alreadyRun, runAll, newestReport } = await newcomer(BESIDE_PAGES);

describe('what pages show with a small load', { timeout: 400_000 }, () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(shBlocks(BESIDE_PAGES))('does what $page says: $title', async ({ commands }) => {
    const { stdout, stderr } = await runAll(commands);
    if (!commands.some(({ text }) => text === ENDPOINTS)) return;
    expect(stdout).toMatch(/bench --endpoints endpoints.yaml can run here/);
    expect(stdout).toMatch(/^verdict {2}pass$/m);
    expect(stderr).toMatch(/^deleted \d+ keys of this run; 0 are left$/m);
    expect(newestReport()).toMatchObject({ system: 'external cluster, endpoints.yaml' });
  });

  it('has the command to look at among those that have run', () => {
    expect(alreadyRun).toContain(ENDPOINTS);
  });
});
