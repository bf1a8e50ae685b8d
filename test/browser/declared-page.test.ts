import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRunPage } from '../../src/report/html/run-page.ts';
import type { RunReport } from '../../src/report/report.ts';
import { chromiumPath, openPage, startChromium, withChromium } from '../support/chromium.ts';
import { testFolder } from '../support/cli.ts';
import { runOf, writePage } from '../support/html.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const DECLARED = 30;

let browser: Browser;

describe.skipIf(chromiumPath === undefined)(
  `the page of a run that admitted what is declared, in ${withChromium}`,
  { timeout: 60_000 },
  () => {
    const { report, evidence } = runOf(syntheticRun({ operations: 20_000 }));
    const open = async (shown: RunReport) =>
      openPage(browser, writePage(testFolder(), makeRunPage(shown, evidence)), { colorScheme: 'light' });
    beforeAll(async () => {
      browser = await startChromium();
    });
    afterAll(() => browser.close());

    it('says so wherever it is shown, and shows nothing of it as a failure', async () => {
      const { page, problems } = await open(withBound(report));
      const count = report.overAdmission.findings[0]?.count ?? 0;
      const declared = `${count} over-admissions (declared: up to ${DECLARED} tokens)`;
      const text = await openWitness(page);
      expect(text).toMatch(/of 30 declared/);
      expect(text).toContain(
        `Over-admission: the first of ${count} over-admissions of this bucket (declared: up to ${DECLARED} tokens)`,
      );
      expect(text).toContain(`operations, ${declared}`);
      expect(text).toMatch(/▽\s+beyond an ideal bucket, declared/);
      expect(text).toMatch(/declared excess/);
      expect(text).not.toMatch(/▼|✗|too many|admitted too much|violation/);
      const chosen = page.locator('#bucket option').first();
      expect(await chosen.textContent()).toBe(`ratings:u0: ${count} over-admissions (declared)`);
      const labels = await page.evaluate(
        `[...document.querySelectorAll('#buckets [role=img]')].map((one) => one.getAttribute('aria-label'))`,
      );
      expect(labels).toEqual([expect.stringContaining(declared), expect.stringContaining(declared)]);
      expect(await wrongPixels(page)).toEqual([0, 0]);
      expect(problems).toEqual([]);
    });

    it('shows the same as violations where the run broke its claim', async () => {
      const { page } = await open(report);
      const text = await openWitness(page);
      expect(text).toMatch(/▼\s+admitted too much/);
      expect(text).toMatch(/✗ .* tokens too many/);
      expect(text).not.toMatch(/declared/);
      expect(Math.min(...(await wrongPixels(page)))).toBeGreaterThan(0);
    });

    it('gives what happened only the height that it needs', async () => {
      const fault = (phase: 'inject' | 'heal', atUs: number) =>
        ({ type: 'fault', fault: 'kill', phase, atUs, args: {} }) as const;
      const one = [fault('inject', 2_000_000), fault('heal', 3_000_000)];
      const apart = [...one, fault('inject', 12_000_000), fault('heal', 13_000_000)];
      const heights = await Promise.all(
        [one, apart].map(async (faults) => {
          const { page } = await open({ ...report, events: [], faults });
          return page.evaluate("document.querySelector('.lane .plot').clientHeight");
        }),
      );
      expect(heights[0]).toBeGreaterThan(0);
      expect(heights[1]).toBe(heights[0]);
    });
  },
);

/** The same run, as one that claims the bound of its strategy and keeps it. */
function withBound(report: RunReport): RunReport {
  const [claim] = report.claims;
  if (claim === undefined) throw new Error('it has claims');
  const bound = { totalExcess: DECLARED, worstWindow: DECLARED, formula: 'a takeover' };
  const reason = `no bucket admitted more than is declared (bound ${DECLARED} tokens)`;
  return {
    ...report,
    verdict: 'pass',
    shards: report.shards.map((shard) => ({ ...shard, bound })),
    claims: [{ ...claim, claim: 'total-excess <= bound', unit: 'bound', status: 'holds', reason }],
  };
}

/** Opens the first witness; all that is seen of the page then. */
async function openWitness(page: Page): Promise<string> {
  await page
    .getByRole('button', { name: /^Witness of / })
    .first()
    .click();
  return (await page.locator('body').allInnerTexts()).join();
}

/** How many pixels of each chart of the bucket have the colour of what is wrong. */
async function wrongPixels(page: Page): Promise<number[]> {
  return page.evaluate(`[...document.querySelectorAll('#buckets canvas')].map((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4)
      if (data[at] === 0xc4 && data[at + 1] === 0x18 && data[at + 2] === 0x1f) count++;
    return count;
  })`);
}
