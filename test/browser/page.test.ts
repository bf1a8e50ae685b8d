import { readFileSync, statSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeComparisonPage } from '../../src/report/html/comparison-page.ts';
import { makeRunPage } from '../../src/report/html/run-page.ts';
import { seriousOf } from '../support/axe.ts';
import { chromiumPath, openPage, startChromium, withChromium } from '../support/chromium.ts';
import { testFolder } from '../support/cli.ts';
import { historyOf } from '../support/history.ts';
import { runOf, writePage } from '../support/html.ts';
import { textOf } from '../support/page-text.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const MB = 1_000_000;

let browser: Browser;

describe.skipIf(chromiumPath === undefined)(
  `the page of a run in ${withChromium}`,
  { timeout: 60_000 },
  () => {
    const run = runOf(syntheticRun({ operations: 20_000 }));
    beforeAll(async () => {
      browser = await startChromium();
    });
    afterAll(() => browser.close());

    it('leads with the verdict, its reasons, the seed and the command', async () => {
      const { page, problems } = await openPage(
        browser,
        writePage(testFolder(), makeRunPage(run.report, run.evidence)),
      );
      expect(await page.title()).toBe('fail: openclaw-rl test, seed 1');
      expect(await textOf(page.locator('.verdict'))).toMatch(/fail/);
      expect(await textOf(page.locator('.command code'))).toBe('openclaw-rl bench --seed 1');
      expect(await page.locator('.reasons li').count()).toBe(run.report.claims.length + 1);
      expect(problems).toEqual([]);
    });

    it('opens the witness of a bucket with the broken inequality in its numbers', async () => {
      const { page } = await openPage(
        browser,
        writePage(testFolder(), makeRunPage(run.report, run.evidence)),
      );
      const open = page.getByRole('button', { name: /^Witness of / }).first();
      await open.click();
      expect(await open.getAttribute('aria-expanded')).toBe('true');
      const formula = await textOf(page.locator('.formula').first());
      expect(formula).toMatch(/admitted in \[s, e\]\s+≤\s+C \+ r · \(e − s\)/);
      const [, admitted = '', capacity = '', rate = '', length = '', allowance = ''] =
        /(\d+)\s+≤\s+(\d+) \+ (\d+)\/s · ([\d.]+) s = ([\d.]+)/.exec(formula) ?? [];
      expect(Number(capacity) + Number(rate) * Number(length)).toBeCloseTo(Number(allowance), 2);
      expect(Number(admitted)).toBeGreaterThan(Number(allowance));
      const sentence = run.report.overAdmission.findings[0]?.inequality ?? '';
      expect(await page.locator('.witness .sentence').allInnerTexts()).toContain(sentence);
      await open.click();
      expect(await page.locator('.details').first().isHidden()).toBe(true);
    });

    it('sorts the table by any column, by mouse and by keyboard', async () => {
      const { page } = await openPage(
        browser,
        writePage(testFolder(), makeRunPage(run.report, run.evidence)),
      );
      const denied = () => page.locator('.worst tbody tr:not(.details) td:nth-of-type(7)').allInnerTexts();
      const numbers = async () => (await denied()).map((text) => Number(text.replaceAll(',', '')));
      const head = page.getByRole('button', { name: 'denied' });
      await head.click();
      expect(await numbers()).toEqual((await numbers()).toSorted((a, b) => b - a));
      await head.focus();
      await page.keyboard.press('Enter');
      expect(await numbers()).toEqual((await numbers()).toSorted((a, b) => a - b));
      expect(await textOf(page.locator('th[aria-sort=ascending]'))).toMatch(/denied/);
    });

    it('shows one region when asked to', async () => {
      const { page } = await openPage(
        browser,
        writePage(testFolder(), makeRunPage(run.report, run.evidence)),
      );
      const names = () => page.locator('#time .chart:nth-child(2) .legend li:visible .name').allInnerTexts();
      expect(await names()).toEqual(['ap-south', 'eu-west', 'us-east']);
      await page.getByRole('radio', { name: 'eu-west' }).check();
      expect(await names()).toEqual(['eu-west']);
      await page.getByRole('radio', { name: 'All regions' }).check();
      expect(await names()).toEqual(['ap-south', 'eu-west', 'us-east']);
    });

    it('moves all charts as one, by keys, buttons, wheel and drag', async () => {
      const { page } = await openPage(
        browser,
        writePage(testFolder(), makeRunPage(run.report, run.evidence)),
      );
      const range = async () => (await textOf(page.locator('.range'))).split(' to ').map(Number.parseFloat);
      const [wholeMin = 0, wholeMax = 0] = await range();
      await page.locator('.charts').first().focus();
      await page.keyboard.press('n');
      await expect.poll(() => textOf(page.locator('output[aria-live]'))).toMatch(/5\.00 s, partition begins/);
      await page.keyboard.press('+');
      await expect.poll(async () => span(await range())).toBeCloseTo((wholeMax - wholeMin) / 2, 1);
      await page.keyboard.press('Shift+ArrowRight');
      await expect.poll(async () => (await range())[0]).toBeGreaterThan(wholeMin);
      await page.keyboard.press('0');
      await expect.poll(range).toEqual([wholeMin, wholeMax]);
      await page.getByRole('button', { name: 'Zoom in' }).click();
      await expect.poll(async () => span(await range())).toBeLessThan(wholeMax - wholeMin);
      await page.getByRole('button', { name: 'All of the run' }).click();
      await expect.poll(range).toEqual([wholeMin, wholeMax]);
      await page.locator('.chart .u-over').nth(1).scrollIntoViewIfNeeded();
      const box = await page.locator('.chart .u-over').nth(1).boundingBox();
      if (box === null) throw new Error('no chart');
      await page.mouse.move(box.x + box.width / 4, box.y + 20);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2, box.y + 20, { steps: 4 });
      await page.mouse.up();
      await expect.poll(async () => span(await range())).toBeCloseTo((wholeMax - wholeMin) / 4, 0);
    });

    it('shows another bucket, with its levels and operations', async () => {
      const { page, problems } = await openPage(
        browser,
        writePage(testFolder(), makeRunPage(run.report, run.evidence)),
      );
      const label = () => page.locator('#buckets [role=img]').last().getAttribute('aria-label');
      const before = await label();
      expect(await page.locator('#buckets [role=img]').first().getAttribute('aria-label')).toMatch(
        /the highest possible falls to -\d/,
      );
      await page.getByRole('button', { name: 'Next' }).click();
      expect(await label()).not.toBe(before);
      await page.locator('#bucket').selectOption({ index: 5 });
      expect(await label()).toMatch(/operations of bucket ratings:u\d+ as intervals; no violations/);
      expect(problems).toEqual([]);
    });

    it.each(['light', 'dark'] as const)(
      'has no serious violation that axe finds, in %s colours',
      async (colorScheme) => {
        const { page } = await openPage(
          browser,
          writePage(testFolder(), makeRunPage(run.report, run.evidence)),
          {
            colorScheme,
          },
        );
        await page
          .getByRole('button', { name: /^Witness of / })
          .first()
          .click();
        expect(await seriousOf(page)).toEqual([]);
      },
    );

    it('turns dark and back by its button, and prints light', async () => {
      const { page } = await openPage(
        browser,
        writePage(testFolder(), makeRunPage(run.report, run.evidence)),
      );
      const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
      const light = await ground();
      await page.getByRole('button', { name: 'Show in dark colours' }).click();
      const dark = await ground();
      expect(dark).not.toBe(light);
      await page.emulateMedia({ media: 'print' });
      expect(await ground()).toBe('rgb(255, 255, 255)');
      await page.emulateMedia({ media: 'screen' });
      await page.getByRole('button', { name: 'Show in light colours' }).click();
      expect(await ground()).toBe(light);
    });

    it('is no wider than a phone', async () => {
      const page390 = { viewport: { width: 390, height: 844 } };
      const long = { ...run.report, command: `openclaw-rl bench${' --seed 1'.repeat(20)}` };
      const file = writePage(testFolder(), makeRunPage(long, run.evidence));
      const { page } = await openPage(browser, file, page390);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
      const more = page.locator('#worst .more').first();
      await expect.poll(() => textOf(more)).toBe('More columns: scroll sideways ↔');
      const cut = (selector: string) =>
        `(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('${selector}'))`;
      expect(await page.evaluate(cut('.command pre'))).toBe(0);
      await page.setViewportSize({ width: 1280, height: 900 });
      await expect.poll(() => more.isHidden()).toBe(true);
    });

    it('shows what others wrote as text, wherever it comes from', async () => {
      const nasty = '<img src=x onerror=alert(1)></script><script>alert(2)</script>\u2028\u202e\u0007';
      const shown = '<img src=x onerror=alert(1)></script><script>alert(2)</script>\\u2028\\u202e\\u0007';
      const spend = (at: number) =>
        ({
          bucket: nasty,
          user: nasty,
          region: nasty,
          invokedUs: at,
          completedUs: at,
          decision: {
            strategy: nasty,
            node: nasty,
            source: 'redis',
            atUs: 10 + at,
            bucketUs: 10 + at,
            levelQuanta: 9,
          },
        }) as const;
      const history = historyOf(
        [spend(1), spend(2), spend(3), { ...spend(4), region: 'b', outcome: 'denied' }],
        {
          policy: '1:1/s',
          header: { strategy: nasty, scenario: nasty, regions: [nasty] },
          records: [
            { type: 'fault', fault: nasty, phase: 'inject', atUs: 1, args: { [nasty]: nasty } },
            {
              type: 'event',
              event: 'role',
              node: nasty,
              atUs: 2,
              args: { from: 'replica', to: 'primary', slots: nasty },
            },
            { type: 'event', event: nasty, node: nasty, atUs: 2, args: { [nasty]: nasty } },
          ],
        },
      );
      const nastyRun = runOf(history, { scenario: nasty, command: nasty, folder: nasty, system: nasty });
      for (const data of [
        makeRunPage(nastyRun.report, nastyRun.evidence),
        makeComparisonPage([nastyRun, nastyRun]),
        makeRunPage(nastyRun.report),
      ]) {
        const file = writePage(testFolder(), data);
        expect(readFileSync(file, 'utf8').match(/<\/script>/g)).toHaveLength(2); // its own
        const { page, problems } = await openPage(browser, file);
        for (const button of await page.getByRole('button', { name: /^(Witness of|Chart of)/ }).all())
          await button.click();
        expect(await page.locator('img').count()).toBe(0);
        expect(await textOf(page.locator('body'))).toContain(shown);
        expect(problems).toEqual([]);
      }
    });

    it('says what it lacks where the history is gone', async () => {
      const { page, problems } = await openPage(browser, writePage(testFolder(), makeRunPage(run.report)));
      expect(await textOf(page.locator('footer'))).toMatch(/history of this run is missing/);
      expect(await page.locator('.chart').count()).toBe(0);
      expect(await page.locator('#figures table').count()).toBeGreaterThan(2);
      expect(problems).toEqual([]);
    });

    it('puts runs on the same axes and marks what differs', async () => {
      const other = runOf(syntheticRun({ operations: 8_000 }));
      const file = writePage(testFolder(), makeComparisonPage([run, other]));
      const { page, problems } = await openPage(browser, file);
      expect(await page.locator('#time .chart:nth-child(2) .legend .name').allInnerTexts()).toEqual([
        'A',
        'B',
      ]);
      const row = page.locator('.compared tr', { has: page.locator('th', { hasText: /^requests$/ }) });
      expect(await row.locator('td').allInnerTexts()).toEqual(['20000', '8000 ▼ × 0.40']);
      expect(await row.locator('td.differs').count()).toBe(1);
      expect(await page.locator('.compared tr', { hasText: 'policy' }).locator('.differs').count()).toBe(0);
      await page.getByRole('radio', { name: 'eu-west' }).check();
      expect(await seriousOf(page)).toEqual([]);
      expect(problems).toEqual([]);
    });

    it('stays below 3 MB, and says what it left out', { timeout: 120_000 }, async () => {
      const large = runOf(syntheticRun({ operations: 400_000 }));
      const file = writePage(testFolder(), makeRunPage(large.report, large.evidence));
      expect(statSync(file).size).toBeLessThan(3 * MB);
      const { page } = await openPage(browser, file);
      expect(await textOf(page.locator('footer'))).toMatch(
        /Down-sampled: .* of 200 buckets.* 400000 operations/,
      );
    });
  },
);

const span = ([min = 0, max = 0]: number[]) => max - min;
