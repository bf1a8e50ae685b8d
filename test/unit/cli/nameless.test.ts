import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';
import { blocksOn, HISTORY_PAGE } from '../../support/doc-blocks.ts';

const NAMES = /ratings:u\d|"u\d+"/;

it.each(['article', 'central'])(
  'the program that takes the names of users out of a history leaves its verdict: %s',
  async (name) => {
    const cwd = testFolder();
    const [program] = blocksOn(HISTORY_PAGE, 'js');
    writeFileSync(join(cwd, 'nameless.mjs'), program?.text ?? '');
    const packed = readFileSync(join(import.meta.dirname, `../../fixtures/${name}.ndjson.gz`));
    const history = gunzipSync(packed).toString();
    expect(history).toMatch(NAMES);
    const nameless = execFileSync(process.execPath, ['nameless.mjs'], {
      ...{ cwd, input: history, encoding: 'utf8', maxBuffer: 2 ** 28 },
    });
    expect(nameless.split('\n').length).toBe(history.split('\n').length);
    expect(nameless).not.toMatch(NAMES);
    writeFileSync(join(cwd, 'history.ndjson'), history);
    writeFileSync(join(cwd, 'nameless.ndjson'), nameless);
    const judge = async (file: string) => {
      const { code, stdout } = await callCli(['check', file, '--json'], { cwd });
      const { verdict, claims, sent, proofs } = JSON.parse(stdout);
      const measured = claims.map(({ claim, status, measured }: Record<string, unknown>) => [
        claim,
        status,
        measured,
      ]);
      return { code, verdict, sent, proofs, measured };
    };
    const before = await judge('history.ndjson');
    expect(before.measured.length).toBeGreaterThan(3);
    expect(before.measured.flat()).not.toContain(undefined);
    expect(await judge('nameless.ndjson')).toEqual(before);
  },
);
