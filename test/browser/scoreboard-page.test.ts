import { readFileSync, statSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seriousOf } from '../support/axe.ts';
import { chromiumPath, openPage, startChromium, withChromium } from '../support/chromium.ts';
import { testFolder } from '../support/cli.ts';
import { textOf } from '../support/page-text.ts';
import { sampleBoard, writeScoreboardPage } from '../support/scoreboard.ts';

const KB = 1_000;
const PHONE = { viewport: { width: 360, height: 740 } };

let browser: Browser;
let file: string;

describe.skipIf(chromiumPath === undefined)(`the scoreboard in ${withChromium}`, { timeout: 120_000 }, () => {
  const board = sampleBoard();
  const folder = testFolder(afterAll);
  beforeAll(async () => {
    browser = await startChromium();
    file = await writeScoreboardPage(folder, board);
  });
  afterAll(() => browser.close());

  it('has every limiter, every status in words, and what the table is', async () => {
    const { page, problems } = await openPage(browser, file);
    expect(await page.title()).toBe('Scoreboard of rate limiters');
    expect(await page.getByRole('rowheader').count()).toBe(34);
    expect(await page.getByRole('cell').count()).toBe(34 * 8);
    const counts = await page.locator('.legend li').allInnerTexts();
    const statuses = (status: string) => board.cells.filter((cell) => cell.status === status).length;
    expect(
      counts.map((text) =>
        text
          .split(/\s*\n\s*/)
          .slice(0, -1)
          .join(' '),
      ),
    ).toEqual([
      `✓ kept ${statuses('kept')}`,
      `✗ broken ${statuses('broken')}`,
      `▲ exceeded ${statuses('exceeded')}`,
      `? unknown ${statuses('unknown')}`,
      `– not run ${statuses('not-run')}`,
    ]);
    expect(await textOf(page.locator('.intro'))).toMatch(
      /2026-11-29[\s\S]*openclaw-rl 0\.1\.0[\s\S]*Node 20/,
    );
    expect(await page.locator('.ours').count()).toBe(3);
    expect(problems).toEqual([]);
  });

  it('is at most 300 kB larger than its data', () => {
    expect(statSync(file).size - JSON.stringify(board).length).toBeLessThan(300 * KB);
  });

  it('keeps the head and the first column in sight', async () => {
    const { page } = await openPage(browser, file);
    await page.getByRole('rowheader', { name: 'Ruby limiter 4,' }).scrollIntoViewIfNeeded();
    const top = () => page.getByRole('columnheader', { name: 'limiter' }).boundingBox();
    await expect.poll(async () => Math.round((await top())?.y ?? -1)).toBe(0);
    await page.setViewportSize({ width: 900, height: 700 });
    const before = await page.getByRole('rowheader').first().boundingBox();
    await page.evaluate("document.querySelector('#table .scroll').scrollBy(200, 300)");
    await expect
      .poll(() => page.evaluate("document.querySelector('#table .scroll').scrollLeft"))
      .toBeGreaterThan(100);
    expect((await page.getByRole('rowheader').first().boundingBox())?.x).toBe(before?.x);
    expect(await page.locator('.more').isVisible()).toBe(true);
  });

  it('sorts by a scenario with its head, by keyboard too, and says so in the address', async () => {
    const { page } = await openPage(browser, file);
    const head = page.getByRole('button', { name: /^failover/ });
    await head.click();
    const down = await figuresIn(page, 'failover');
    expect(down.length).toBeGreaterThan(10);
    expect(down).toEqual(down.toSorted((a, b) => b - a));
    expect(new URL(page.url()).hash).toBe('#sort=excess&in=failover&order=down');
    await head.focus();
    await page.keyboard.press('Enter');
    const up = await figuresIn(page, 'failover');
    expect(up).toEqual(down.toReversed());
    expect(await textOf(page.locator('th[aria-sort=ascending]'))).toMatch(/failover/);
    expect(await names(page)).not.toEqual((await names(page)).toSorted());
  });

  it('sorts by language, worst excess, availability and p50, and shows that figure', async () => {
    const { page } = await openPage(browser, file);
    const sort = page.getByLabel('Sort by');
    const first = () => textOf(page.getByRole('row').nth(1));
    await sort.selectOption('language');
    expect(await first()).toMatch(/Go ·/);
    await sort.selectOption({ label: 'worst excess' });
    expect(await first()).toMatch(/Go limiter 32[\s\S]*\+41\.3/);
    await sort.selectOption('availability');
    await page.getByLabel('in', { exact: true }).selectOption('partition');
    const shares = await figuresIn(page, 'partition');
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    expect(await textOf(page.locator('td[data-scenario=healthy] .figure').first())).toMatch(/%$/);
    await sort.selectOption('p50');
    const times = await figuresIn(page, 'partition');
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    await page.getByRole('button', { name: 'smallest first' }).click();
    expect(await figuresIn(page, 'partition')).toEqual(times.toReversed());
    expect(new URL(page.url()).hash).toBe('#sort=p50&in=partition&order=down');
  });

  it('filters by text, language, status and columns; the address shows the same again', async () => {
    const { page } = await openPage(browser, file);
    const count = page.locator('.count');
    await page.getByLabel('Search').fill('fixed window PYTHON');
    expect(await textOf(count)).toBe('5 of 34 limiters');
    await page.getByLabel('Search').fill('');
    await page.getByRole('combobox', { name: 'Language' }).selectOption('PHP');
    await page.getByRole('checkbox', { name: 'broken' }).check();
    await page.getByRole('checkbox', { name: 'failover' }).check();
    await page.getByRole('checkbox', { name: 'store outage' }).check();
    const shown = board.limiters.filter(
      ({ id, language }) =>
        language === 'PHP' &&
        board.cells.some(
          (cell) =>
            cell.limiter === id &&
            cell.status === 'broken' &&
            /^(failover|store-outage)$/.test(cell.scenario),
        ),
    );
    expect(shown.length).toBeGreaterThan(0);
    expect((await names(page)).toSorted()).toEqual(shown.map(({ name }) => name).toSorted());
    expect(await page.getByRole('columnheader').allInnerTexts()).toHaveLength(3);
    const again = await openPage(browser, file);
    await again.page.goto(page.url());
    await again.page.reload();
    expect(await names(again.page)).toEqual(await names(page));
    expect(await again.page.getByRole('checkbox', { name: 'broken' }).isChecked()).toBe(true);
    expect(await again.page.getByRole('combobox', { name: 'Language' }).inputValue()).toBe('PHP');
    await again.page.getByRole('button', { name: 'Show all' }).click();
    expect(await textOf(again.page.locator('.count'))).toBe('34 of 34 limiters');
    expect(new URL(again.page.url()).hash).toBe('');
    await again.page.getByLabel('Search').fill('no such limiter');
    expect(await again.page.locator('.empty').isVisible()).toBe(true);
  });

  it('opens a cell by keyboard with all that is known, and gives the focus back', async () => {
    const { page, problems } = await openPage(browser, file);
    await page.getByLabel('Search').fill('limiter 26,');
    const link = page.getByRole('row').nth(1).getByRole('cell').nth(1).getByRole('link');
    await link.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: /^Go limiter 26, fixed window: three instances/ });
    await dialog.waitFor();
    expect(new URL(page.url()).hash).toBe('#cell=limiter-26/three-instances');
    const text = await textOf(dialog);
    const cell = board.cells.find(
      ({ limiter, scenario }) => limiter === 'limiter-26' && scenario === 'three-instances',
    );
    for (const known of [
      ...[
        '✗ broken',
        '33.8 tokens more than the promise allows',
        '34 admitted > 20',
        'three services that share',
        'no reply',
        '7 more operations',
      ],
      ...[
        'token-bucket:20:5/s',
        'Counts are shared',
        'https://limiter-26.example/faults',
        'limiter-26 3.26.0',
      ],
      ...[
        '20 requests in 4 s',
        'redis 8.0.2',
        '2026-11-29T09:00',
        cell?.command ?? '',
        cell?.history?.sha256 ?? '',
      ],
      ...[
        '2 of 20,000 judged denials',
        '26 of 38,000 answers',
        '41,026',
        '3.7 ms',
        '11.6 ms',
        'openclaw-rl verify',
      ],
    ])
      expect(text).toContain(known);
    expect(await dialog.locator('.witness tbody tr').count()).toBe(41);
    expect(await dialog.getByRole('button', { name: 'Copy' }).count()).toBe(1);
    await page.keyboard.press('Escape');
    await expect.poll(() => dialog.isVisible()).toBe(false);
    await expect.poll(() => new URL(page.url()).hash).toBe('#text=limiter%2026%2C');
    expect(await focused(page)).toBe('limiter-26 three-instances');
    expect(await textOf(page.locator('.count'))).toBe('1 of 34 limiters');
    expect(problems).toEqual([]);
  });

  it('opens at the address of a cell, and leads from it to its limiter and back to the table', async () => {
    const { page } = await openPage(browser, file);
    await page.goto('about:blank');
    await page.goto(`file://${file}#cell=limiter-26/failover`);
    const dialog = page.getByRole('dialog');
    expect(await textOf(dialog)).toContain('Not run: one server has no replica to take over.');
    expect(await textOf(page.locator('.count'))).toBe('34 of 34 limiters');
    await dialog.getByRole('link', { name: 'Go limiter 26, fixed window' }).click();
    await expect.poll(() => textOf(dialog.locator('h2'))).toBe('Go limiter 26, fixed window');
    expect(await dialog.locator('.cells li').count()).toBe(8);
    expect(await textOf(dialog)).toContain('only 12 of 40 buckets were contested');
    await dialog.getByRole('link', { name: /^healthy/ }).click();
    await expect.poll(() => new URL(page.url()).hash).toBe('#cell=limiter-26/healthy');
    await dialog.getByRole('button', { name: 'Close' }).click();
    await expect.poll(() => new URL(page.url()).hash).toBe('');
    expect(await focused(page)).toBe('limiter-26 healthy');
  });

  it('goes back from a cell to the table with the browser’s own key', async () => {
    const { page } = await openPage(browser, file);
    await page.getByRole('row').nth(3).getByRole('link').nth(2).click();
    await page.getByRole('dialog').waitFor();
    await page.goBack();
    await expect.poll(() => page.getByRole('dialog').isVisible()).toBe(false);
    await page.goForward();
    await expect.poll(() => page.getByRole('dialog').isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    await expect.poll(() => new URL(page.url()).hash).toBe('');
    await page.goBack();
    expect(page.url()).toBe('about:blank'); // a closed cell is no step of its own
  });

  it.each<{ title: string; options: BrowserContextOptions }>([
    { title: 'in light colours', options: { colorScheme: 'light' } },
    { title: 'in dark colours', options: { colorScheme: 'dark' } },
    { title: 'on a phone', options: PHONE },
  ])('has nothing serious that axe finds, $title', async ({ options }) => {
    const few = await writeScoreboardPage(testFolder(), sampleBoard(8)); // axe looks at every element
    const { page } = await openPage(browser, few, options);
    if (options === PHONE) await page.getByText('Sort and filter').click();
    await page.getByRole('checkbox', { name: 'broken' }).check();
    expect(await seriousOf(page)).toEqual([]);
    await page.locator('td .status.exceeded').first().click();
    await page.getByRole('dialog').waitFor();
    expect(await seriousOf(page)).toEqual([]);
  });

  it('tells statuses apart without colours', async () => {
    const { page } = await openPage(browser, file);
    const looks = (await page.evaluate(
      `[...document.querySelectorAll('.legend .status')].map((one) => {
        const { borderStyle, borderRadius } = getComputedStyle(one);
        return { text: one.textContent, shape: borderStyle + ' ' + borderRadius };
      })`,
    )) as { text: string; shape: string }[];
    expect(new Set(looks.map(({ text }) => text.slice(0, 1))).size).toBe(5);
    expect(new Set(looks.map(({ text }) => text.slice(2))).size).toBe(5);
    expect(new Set(looks.slice(0, 4).map(({ shape }) => shape)).size).toBe(4);
  });

  it('fits a phone: rows are cards, and controls wait in a section', async () => {
    const { page, problems } = await openPage(browser, file, PHONE);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await page.getByLabel('Sort by').isVisible()).toBe(false);
    await page.getByText('Sort and filter').click();
    await page.getByLabel('Sort by').selectOption('excess');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    const card = page.getByRole('row').nth(1);
    expect((await card.boundingBox())?.width).toBeLessThan(340);
    expect((await card.boundingBox())?.height).toBeLessThan(420);
    await card.getByRole('cell').nth(1).getByRole('link').click();
    await page.getByRole('dialog').waitFor();
    expect(await page.evaluate("document.querySelector('dialog').scrollWidth")).toBeLessThanOrEqual(360);
    expect(problems).toEqual([]);
  });

  it('prints the table in light colours, without controls', async () => {
    const { page } = await openPage(browser, file, { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print' });
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    const broken = "getComputedStyle(document.querySelector('td .status.broken')).color";
    expect(await page.evaluate(broken)).not.toBe('rgb(255, 255, 255)'); // grounds are not printed
    expect(await page.locator('.controls').isVisible()).toBe(false);
    expect(await page.getByRole('rowheader').last().isVisible()).toBe(true);
  });

  it('is readable without JavaScript', async () => {
    const { page, problems } = await openPage(browser, file, { javaScriptEnabled: false });
    await page.goto(`file://${file}#cell=limiter-26/three-instances`);
    expect(await textOf(page.locator('noscript'))).toMatch(/Without JavaScript/);
    expect(await page.locator('.board tbody tr').count()).toBe(34);
    expect(await page.getByText('34 admitted > 20 + 5/s').filter({ visible: true }).count()).toBe(1);
    expect(await page.locator('dialog, .controls').count()).toBe(0);
    expect(problems).toEqual([]);
  });

  it('shows what others wrote as text, wherever it stands', async () => {
    const nasty = `"><img src=x onerror=alert(1)></script><script>alert(2)</script>'&amp;\u2028\u202e#/?%`;
    const shown = `"><img src=x onerror=alert(1)></script><script>alert(2)</script>'&amp;\\u2028\\u202e#/?%`;
    const replaced = JSON.parse(
      JSON.stringify(sampleBoard(6), (key, value) =>
        typeof value === 'string' && !/^(status|of|topology|format)$/.test(key) ? `${value}${nasty}` : value,
      ),
    );
    replaced.limiters[3].documentation = [`javascript:alert(1)//${nasty}`];
    const hostile = await writeScoreboardPage(testFolder(), replaced);
    expect(readFileSync(hostile, 'utf8').match(/<\/script>/g)).toHaveLength(1); // its own
    const { page, problems } = await openPage(browser, hostile);
    for (const [row, column] of [
      [1, 0],
      [2, 3],
      [4, 2],
      [4, 5],
    ] as const) {
      await page.getByRole('row').nth(row).getByRole('link').nth(column).click();
      const dialog = page.getByRole('dialog');
      await expect.poll(() => dialog.isVisible()).toBe(true);
      expect(await textOf(dialog)).toContain(shown);
      await dialog.getByRole('button', { name: 'Close' }).click();
      await expect.poll(() => dialog.isVisible()).toBe(false);
      await expect.poll(() => new URL(page.url()).hash).toBe('');
    }
    await page.getByLabel('Search').fill(shown);
    expect(await textOf(page.locator('.count'))).toBe('6 of 6 limiters');
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('a[href^=javascript]').count()).toBe(0);
    expect(problems).toEqual([]);
  });
});

/** The names of the rows, in their order. */
function names(page: Page): Promise<string[]> {
  return page.locator('.board tbody .name').allInnerTexts();
}

/** The limiter and the scenario of the cell that has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate(
    "[document.activeElement.closest('tr'), document.activeElement.closest('td')].map((one) => one?.dataset.limiter ?? one?.dataset.scenario).join(' ')",
  );
}

/** What the cells of a column show, in the order of the rows. */
async function figuresIn(page: Page, scenario: string): Promise<number[]> {
  const texts = await page.locator(`td[data-scenario=${scenario}] .figure`).allInnerTexts();
  return texts.filter((text) => text !== '').map((text) => Number.parseFloat(text));
}
