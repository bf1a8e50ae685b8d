import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { travellingFiles } from '../../src/engines/travelling-files.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { testFolder } from '../support/cli.ts';

/** Exports texts, which are no names of what it imports. */
const LIMITER = `export const promise = 'token-bucket';
export const createLimiter = () => ({ kind: 'central' })\n`;

function planWith(text: string | Uint8Array) {
  const file = join(testFolder(), 'mine.mjs');
  writeFileSync(file, text);
  const written = { limiter: './mine.mjs', claims: ['info <= 5%'] };
  return { ...parseScenario(`# why\n${JSON.stringify(written)}`, { file: 'x.yaml' }), limiter: file };
}

it('are the scenario and its plug-in', async () => {
  const text = `import { createHash } from 'node:crypto';\nimport { makePolicy } from 'openclaw-rl';\n${LIMITER}`;
  const { files, plugin } = await travellingFiles(planWith(text));
  expect(Object.keys(files)).toEqual(['x.yaml', 'mine.mjs']);
  expect([files['mine.mjs'], plugin]).toEqual([text, text]);
  expect(files['x.yaml']).toContain('./mine.mjs');
});

it.each([
  { text: `import Redis from 'ioredis';\n${LIMITER}`, says: 'mine.mjs imports ioredis' },
  { text: `import{Redis as a}from"ioredis";\n${LIMITER}`, says: 'mine.mjs imports ioredis' },
  { text: `import 'ioredis';\n${LIMITER}`, says: 'mine.mjs imports ioredis' },
  { text: `export * from './all.mjs';\n${LIMITER}`, says: 'mine.mjs imports ./all.mjs' },
  { text: `export { x } from './one.mjs';\n${LIMITER}`, says: 'mine.mjs imports ./one.mjs' },
  { text: `import { x } from './other.mjs';\n${LIMITER}`, says: 'mine.mjs imports ./other.mjs' },
  { text: `import {\n  a,\n  b,\n} from 'somewhere';\n${LIMITER}`, says: 'mine.mjs imports somewhere' },
  { text: `${LIMITER}//${'x'.repeat(500_000)}`, says: 'has at most 500000' },
  { text: Uint8Array.of(0x1f, 0x8b, 0xff), says: 'is no text' },
])('are refused: $says', async ({ text, says }) => {
  await expect(travellingFiles(planWith(text))).rejects.toThrow(says);
});
