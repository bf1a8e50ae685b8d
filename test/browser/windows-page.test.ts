import { statSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRunPage } from '../../src/report/html/run-page.ts';
import { seriousOf } from '../support/axe.ts';
import { chromiumPath, openPage, startChromium, withChromium } from '../support/chromium.ts';
import { testFolder } from '../support/cli.ts';
import { historyOf, type OperationPart } from '../support/history.ts';
import { runOf, writePage } from '../support/html.ts';
import { textOf } from '../support/page-text.ts';

const S = 1_000_000;
const PROMISE = 'fixed-window:3/4s:first';

/** Admissions of a bucket, at these seconds, in turn from two regions. */
function admitted(bucket: string, ...timesS: readonly number[]): OperationPart[] {
  return timesS.map((atS, at) => ({
    bucket,
    region: at % 2 === 0 ? 'east' : 'west',
    invokedUs: atS * S - 2_000,
    completedUs: atS * S,
  }));
}

/** In 4 s of three: six, three times too many, of a bucket that counts in each region; and three of another. */
const BROKEN = [...admitted('apart', 10, 10, 10.1, 10.1, 10.2, 10.2), ...admitted('kept', 12, 12, 12)];

let browser: Browser;

async function show(parts: readonly OperationPart[]): Promise<{ page: Page; problems: readonly string[] }> {
  const header = { promise: PROMISE, regions: ['east', 'west'] };
  const { report, evidence } = runOf(historyOf(parts, { policy: '3:1/100s', header }));
  const path = writePage(testFolder(), makeRunPage({ ...report, strategy: 'plugin:mine.mjs' }, evidence));
  expect(statSync(path).size).toBeLessThan(150_000);
  return openPage(browser, path);
}

describe.skipIf(chromiumPath === undefined)(
  `the page of a promise of windows in ${withChromium}`,
  { timeout: 60_000 },
  () => {
    beforeAll(async () => {
      browser = await startChromium();
    });
    afterAll(() => browser.close());

    it('U8: leads with the limiter, its promise and why it failed', async () => {
      const { page, problems } = await show(BROKEN);
      expect(await textOf(page.locator('.headline'))).toMatch(
        /fail.*limiter plugin:mine\.mjs.*promise fixed-window:3\/4s:first.*seed 1/s,
      );
      expect(await textOf(page.locator('.why').first())).toMatch(/^Why\s+each region keeps the limit, but/);
      expect(await textOf(page.locator('.why').nth(1))).toMatch(/^Not judged\s+denials: /);
      expect(problems).toEqual([]);
    });

    it('U8: counts what was admitted in a window against its limit', async () => {
      const { page, problems } = await show(BROKEN);
      const chart = page.locator('#buckets .chart').first();
      expect(await chart.locator('[role=img]').getAttribute('aria-label')).toBe(
        'Tokens of bucket apart admitted in 4 s over time: at most 6; limit of a window 3, limit of 2 windows 6; 3 violations: 3 broken windows',
      );
      const entries = await chart.locator('.legend li').allInnerTexts();
      expect(entries.map((text) => text.replace(/\s+/g, ' ').trim())).toEqual([
        'admitted',
        'limit of a window 3',
        'limit of 2 windows 6',
        '▼ broken window',
      ]);
      expect(await textOf(page.locator('main'))).not.toMatch(/over-admission|ideal bucket|capacity|promises/);
      expect(problems).toEqual([]);
    });

    it('U8: has the count at the cursor', async () => {
      const { page } = await show(BROKEN);
      const plot = page.locator('#buckets .u-over').first();
      const box = await plot.boundingBox();
      const value = page.locator('#buckets .legend .value').first();
      await plot.hover({ position: { x: 0.5 * (box?.width ?? 0), y: 40 }, force: true });
      await expect.poll(() => value.textContent()).toBe('6');
    });

    it('U8: names findings by one name, in the list, in the table and in the proof', async () => {
      const { page } = await show(BROKEN);
      expect(await page.locator('#bucket option').allInnerTexts()).toEqual([
        'apart: 3 broken windows',
        'kept',
      ]);
      expect(await page.locator('.worst th button').allInnerTexts()).toEqual([
        'broken windows',
        'admitted tokens',
        'denied',
      ]);
      await page.getByRole('button', { name: 'Witness of apart' }).click();
      expect(await page.locator('.witness h4').allInnerTexts()).toEqual([
        'Broken window: the first of 3 broken windows of this bucket',
      ]);
    });

    it('U8: of a limiter that keeps it has the same chart, without a sign', async () => {
      const { page, problems } = await show(admitted('kept', 12, 12, 12));
      const chart = page.locator('#buckets .chart').first();
      expect(await chart.locator('[role=img]').getAttribute('aria-label')).toMatch(
        /at most 3; .*no violations$/,
      );
      expect(await chart.locator('.sign').count()).toBe(0);
      expect(problems).toEqual([]);
    });

    it.each(['light', 'dark'] as const)('U8: has no serious violation that axe finds, %s', async (scheme) => {
      const { page } = await show(BROKEN);
      await page.emulateMedia({ colorScheme: scheme });
      expect(await seriousOf(page)).toEqual([]);
    });
  },
);
