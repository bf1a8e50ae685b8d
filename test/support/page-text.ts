import type { Locator } from 'playwright-core';

/** What is seen of it. */
export async function textOf(locator: Locator): Promise<string> {
  return (await locator.allInnerTexts()).join('\n');
}
