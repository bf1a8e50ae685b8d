import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runProgram } from '../support/cli.ts';

/** Where the load of a seed changes on purpose, histories of that seed are no longer comparable: say so in CHANGELOG.md. */
const DIGEST = '14cb9b75a804065c1855fa842c5a93334f127d30d46cea81367bc3fc26dbe8d9';

it('a seed draws the same load in every version, on every engine', async () => {
  const draws = join(import.meta.dirname, '../fixtures/draws.mjs');
  expect(await runProgram(process.execPath, [draws])).toMatchObject({ stdout: `${DIGEST}\n`, stderr: '' });
});
