import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { parseReport } from '../../src/report/schema.ts';
import { chromiumPath, openPage, startChromium, withChromium } from '../support/chromium.ts';
import { runCli, startCli, testFolder } from '../support/cli.ts';

const SCREENSHOTS = join(import.meta.dirname, '../../reports/screenshots');

const CHAOS = [
  ...['chaos', 'partition', '--isolate', 'eu-west', '--at', '2s', '--for', '6s', '--duration', '11'],
  ...['--rate', '200', '--connections', '120', '--users', '12', '--strategy', 'article'], // it always has a witness
];

describe.skipIf(chromiumPath === undefined)(
  `the page of a real run in ${withChromium}`,
  { timeout: 180_000 },
  () => {
    it('shows what a partition did, in both themes and on a phone', async () => {
      const folder = testFolder();
      const { code, stderr } = await runCli(CHAOS, { cwd: folder });
      expect([0, 1, 2], stderr).toContain(code); // what it says of a busy machine is not the question here
      expect(stderr).not.toMatch(/no report\.html/);
      const file = join(folder, 'reports/latest/report.html');
      expect(statSync(file).size).toBeLessThan(3_000_000);
      const browser = await startChromium();
      try {
        const { page, problems } = await openPage(browser, file, { colorScheme: 'light' });
        const lane = page.getByRole('img', { name: /^Over time: / });
        const report = parseReport(
          readFileSync(join(folder, 'reports/latest/report.json'), 'utf8'),
          'latest',
        );
        const [injectedUs = 0, healedUs = 0] = report.faults.map(({ atUs }) => atUs);
        const label = await lane.getAttribute('aria-label');
        expect(label).toContain(`partition from ${seconds(injectedUs)} s to ${seconds(healedUs)} s`);
        for (const { node, atUs, args } of report.events)
          if (args?.from === 'replica' && args.to === 'primary')
            expect(label).toContain(`${node} takes over at ${seconds(atUs)} s`);
        const [during, before] = await coloursAt(page, [(injectedUs + healedUs) / 2, injectedUs / 2]);
        expect(during).not.toEqual(before);

        const rows = page.locator('#time .chart:nth-child(2) .legend li:visible');
        expect(await rows.count()).toBe(3);
        await page.getByRole('radio', { name: 'eu-west' }).check();
        expect(await rows.allInnerTexts()).toEqual(['eu-west']);
        await page.getByRole('radio', { name: 'All regions' }).check();

        await page
          .getByRole('button', { name: /^Witness of / })
          .first()
          .click();
        expect(await page.locator('.witness table tbody tr').count()).toBeGreaterThan(0);
        expect(await page.locator('.witness .inequality').count()).toBeGreaterThan(1);
        expect(problems).toEqual([]);
        await keepPictures(page);
      } finally {
        await browser.close();
      }
    });
  },
);

it('keeps the verdict where the page cannot be written', { timeout: 120_000 }, async () => {
  const cwd = testFolder();
  const args = [
    'bench',
    '--duration',
    '1',
    '--connections',
    '10',
    '--users',
    '3',
    '--regions',
    'here',
    '--replicas',
    '0',
  ];
  const run = startCli(args, { cwd });
  await vi.waitUntil(() => existsSync(join(cwd, 'reports')) && readdirSync(join(cwd, 'reports')).length > 0, {
    timeout: 60_000,
  });
  const [name = ''] = readdirSync(join(cwd, 'reports'));
  mkdirSync(join(cwd, 'reports', name, 'report.html/in the way'), { recursive: true });
  expect([0, 2]).toContain(await run.ended);
  expect(run.output.stdout).toMatch(/^verdict {2}(pass|unknown)/);
  expect(run.output.stderr).toMatch(/warning: no report\.html: cannot write to /);
  expect(existsSync(join(cwd, 'reports/latest/report.json'))).toBe(true);
});

const seconds = (us: number) => (us / 1_000_000).toFixed(1);

/** Of the last chart, near its top where no line is: what is drawn there at these moments of the run. */
async function coloursAt(page: Page, momentsUs: readonly number[]): Promise<number[][]> {
  const range = await page.locator('.range').allInnerTexts();
  const [from = 0, to = 0] = (range[0] ?? '').split(' to ').map(Number.parseFloat);
  const shares = momentsUs.map((us) => (us / 1_000_000 - from) / (to - from));
  return page.evaluate(`(() => {
    const over = document.querySelector('#time .chart:last-of-type .u-over');
    const canvas = over.parentElement.querySelector('canvas');
    const strip = canvas.getContext('2d').getImageData(0, 9 * devicePixelRatio, canvas.width, 1).data;
    return ${JSON.stringify(shares)}.map((share) => {
      const x = Math.round((over.offsetLeft + over.clientWidth * share) * devicePixelRatio);
      return [...strip.slice(4 * x, 4 * (x + 14))];
    });
  })()`);
}

/** For people to look at: reports/screenshots/. */
async function keepPictures(page: Page): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const keep = (name: string) => page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  await keep('run-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await keep('run-dark');
  await page.setViewportSize({ width: 390, height: 844 });
  await expect.poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  await keep('run-phone-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await keep('run-phone-light');
}
