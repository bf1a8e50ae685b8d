import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseScoreboard } from '../../src/report/scoreboard/parse-scoreboard.ts';
import { seriousOf } from '../support/axe.ts';
import { chromiumPath, openPage, startChromium, withChromium } from '../support/chromium.ts';
import { textOf } from '../support/page-text.ts';

const RESULTS = join(import.meta.dirname, '../../docs/results');
const FILE = join(RESULTS, 'scoreboard.html');

describe.skipIf(chromiumPath === undefined)(
  `the kept scoreboard in ${withChromium}`,
  { timeout: 240_000 },
  () => {
    const board = parseScoreboard(readFileSync(join(RESULTS, 'scoreboard.json'), 'utf8'), 'scoreboard.json');
    let browser: Browser;
    beforeAll(async () => {
      browser = await startChromium();
    });
    afterAll(() => browser.close());

    it('has a row for each limiter, and opens each proof', async () => {
      const { page, problems } = await openPage(browser, FILE);
      expect(await page.getByRole('rowheader').count()).toBe(board.limiters.length);
      const proved = board.cells.filter(({ witness }) => witness !== null);
      expect(proved.length).toBeGreaterThan(0);
      const dialog = page.locator('dialog[open]'); // by its role takes three times as long
      for (const { limiter, scenario, witness, command } of proved) {
        await page.evaluate(`location.hash = 'cell=${limiter}/${scenario}'`);
        await expect.poll(() => textOf(dialog)).toContain(command);
        expect(await textOf(dialog)).toContain(witness?.text);
      }
      expect(problems).toEqual([]);
    });

    it('has cells of at most 20 kB', () => {
      for (const cell of board.cells) expect(JSON.stringify(cell).length).toBeLessThan(20_000);
    });

    it.each<{ title: string; options: BrowserContextOptions }>([
      { title: 'in light colours', options: { colorScheme: 'light' } },
      { title: 'in dark colours', options: { colorScheme: 'dark' } },
      { title: 'on a phone', options: { viewport: { width: 360, height: 740 } } },
    ])('has nothing serious that axe finds, and no sideways scroll, $title', async ({ options }) => {
      const { page } = await openPage(browser, FILE, options);
      const { width = 0 } = page.viewportSize() ?? {};
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      expect(await seriousOf(page)).toEqual([]);
      await page.locator('td .status.exceeded').first().click();
      await page.getByRole('dialog').waitFor();
      expect(await seriousOf(page)).toEqual([]);
    });
  },
);
