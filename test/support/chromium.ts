import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/**
 * The browser of this machine; OPENCLAW_RL_CHROMIUM names another. Throws where there is none and
 * OPENCLAW_RL_REQUIRE_PROGRAMS is set, as it is in CI: there a test that is skipped has failed.
 */
function findChromium(): string | undefined {
  const named = process.env.OPENCLAW_RL_CHROMIUM;
  const folders = (process.env.PATH ?? '').split(':');
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
  const path = named ?? found;
  if (path === undefined && process.env.OPENCLAW_RL_REQUIRE_PROGRAMS)
    throw new Error('no chromium on PATH: .ci/chromium installs it on Debian (apt-get install chromium)');
  return path;
}

/** Undefined where the tests of pages are skipped. */
export const chromiumPath = findChromium();

/** For the title of what is skipped without it. */
export const withChromium =
  chromiumPath === undefined ? 'chromium (skipped: none on PATH; apt-get install chromium)' : 'chromium';

export async function startChromium(): Promise<Browser> {
  return chromium.launch({
    ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
    args: ['--no-sandbox'], // as root it does not start with one
  });
}

/** A page that is shown, and what went wrong in it: errors of scripts, lines in the console, requests of any kind. */
export interface ShownPage {
  readonly page: Page;
  readonly problems: string[];
}

/** Opens a file from disk, as a person does; closed when the test is over. */
export async function openPage(
  browser: Browser,
  file: string,
  options: BrowserContextOptions = {},
): Promise<ShownPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => problems.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (request.url() !== `file://${file}`) problems.push(`request: ${request.url()}`);
  });
  await page.goto(`file://${file}`);
  await page.locator('footer').waitFor({ timeout: 10_000 });
  return { page, problems };
}
