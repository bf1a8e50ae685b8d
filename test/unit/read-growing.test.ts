import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { readGrowing } from '../../src/cli/files/read-growing.ts';
import { encodeRecord } from '../../src/history/records/codec.ts';
import { testFolder } from '../support/cli.ts';
import { headerOf, operationOf } from '../support/history.ts';

const [header, first, second] = [headerOf('20:5/s'), operationOf(0, {}), operationOf(1, {})].map(
  encodeRecord,
);
const end = encodeRecord({ type: 'end', atUs: 9, sent: 2 });

function begin() {
  const path = join(testFolder(), 'history.ndjson');
  let finish = () => {};
  const whole = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const read = readGrowing(path, whole);
  return { path, finish: () => finish(), read };
}

it('reads a file that is not there yet, up to what is written just before it is whole', async () => {
  const { path, finish, read } = begin();
  await sleep(20);
  writeFileSync(path, `${header}${first}`);
  await sleep(20);
  appendFileSync(path, `${second}${end}`);
  finish();
  const { operations, files } = await read;
  expect(operations.rows).toBe(2);
  expect(files).toEqual([{ name: path, operations: 2, sent: 2 }]);
});

it('names the line of a mistake, and does not wait for the end', async () => {
  const { path, read } = begin();
  writeFileSync(path, `${header}{"type":"op"}\n`);
  await expect(read).rejects.toThrow(`${path}:2: `);
});

it('is refused if there is no file in the end', async () => {
  const { path, finish, read } = begin();
  finish();
  await expect(read).rejects.toThrow(`${path}:1: the file is empty`);
});
