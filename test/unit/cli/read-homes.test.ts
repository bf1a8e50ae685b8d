import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readHomesFile } from '../../../src/cli/files/read-homes.ts';
import { testFolder } from '../../support/cli.ts';

const TABLE = { format: 'openclaw-homes', version: 1, regions: { a: { slots: '0-16383' } } };

it.each([
  ['a file', 'homes.json'],
  ['the flag', `\uFEFF${JSON.stringify(TABLE)}`],
])('a byte order mark before the table is no part of it, in %s', async (_, written) => {
  const cwd = testFolder();
  writeFileSync(join(cwd, 'homes.json'), `\uFEFF${JSON.stringify(TABLE)}`);
  expect(await readHomesFile(written, { cwd })).toEqual(TABLE);
});
