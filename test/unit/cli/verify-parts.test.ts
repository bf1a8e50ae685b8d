import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import { callCli } from '../../support/call-cli.ts';
import { write } from '../../support/check-files.ts';
import { testFolder } from '../../support/cli.ts';
import { divided } from '../certificates/part-runs.ts';
import { CORRECT } from '../planted/correct.ts';

const FILES = ['a.ndjson', 'b.ndjson.gz', 'c.ndjson'];
const VERIFIER = join(import.meta.dirname, '../../../verify/verify.mjs');
const VERIFY = ['verify', '--certificate', 'proofs.ndjson.gz'];
const cwd = testFolder(afterAll);

/** The parts of a correct limiter in three regions, and the certificate that `check` writes. */
beforeAll(async () => {
  const [exact] = CORRECT;
  const { parts } = divided(exact as (typeof CORRECT)[number], THREE_REGIONS);
  for (const [at, records] of parts.entries()) {
    const name = FILES[at] as string;
    const text = records.map(encodeRecord).join('');
    write(cwd, name, name.endsWith('.gz') ? gzipSync(text) : text);
  }
  write(cwd, 'copy.ndjson', readFileSync(join(cwd, 'a.ndjson')));
  const { stderr } = await callCli(['check', ...FILES, 'copy.ndjson', '--certificate', 'proofs.ndjson.gz'], {
    cwd,
  });
  expect(stderr).toContain(`openclaw-rl verify --certificate proofs.ndjson.gz ${FILES.join(' ')}\n`);
});

/** A seed whose run has three regions. */
const THREE_REGIONS = 5;

describe('verify of a run in parts', () => {
  it('accepts the certificate of `check`, also with a copy of a part', async () => {
    for (const files of [FILES, ['copy.ndjson', ...FILES.slice(1)], [...FILES, 'copy.ndjson']]) {
      const { code, stdout } = await callCli([...VERIFY, ...files, '--json'], { cwd });
      expect(code).toBe(0);
      const { verified, certified } = JSON.parse(stdout);
      expect(verified).toMatchObject({ proved: certified.proved, refused: 0, buckets: certified.buckets });
      expect(certified).toMatchObject({ convicted: 0, open: 0 });
    }
  });

  it('accepts it whatever the order of the files, also without the command line', async () => {
    const files = FILES.toReversed();
    const written = await callCli(['check', ...files, '--certificate', 'reversed.ndjson.gz'], { cwd });
    expect(written.stderr).toContain(`--certificate reversed.ndjson.gz ${FILES.join(' ')}\n`);
    const proofs = (name: string) => gunzipSync(readFileSync(join(cwd, name))).toString();
    expect(proofs('reversed.ndjson.gz')).toBe(proofs('proofs.ndjson.gz'));
    const { code, stdout } = await callCli([...VERIFY, ...files], { cwd });
    expect(code, stdout).toBe(0);
    const alone = spawnSync(process.execPath, [VERIFIER, 'proofs.ndjson.gz', ...files], { cwd });
    expect([alone.status, alone.stdout.toString()]).toEqual([0, expect.stringMatching(/"refused":0/)]);
  });

  it('has one offset for each machine in the certificate', () => {
    const lines = gunzipSync(readFileSync(join(cwd, 'proofs.ndjson.gz')))
      .toString()
      .split('\n');
    const [clock] = lines.filter((line) => line.includes('"type":"clock"')).map((line) => JSON.parse(line));
    expect(Object.keys(clock.offsets).length).toBeGreaterThan(2);
  });

  it.each([
    {
      title: 'without a part',
      files: FILES.slice(1),
      says: /the run has the parts r0, r1, r2; found r1, r2/,
    },
    { title: 'with an altered part', files: [...FILES.slice(1), 'altered.ndjson'], says: /found r1, r2/ },
  ])('refuses a history $title', async ({ files, says }) => {
    const text = readFileSync(join(cwd, 'a.ndjson'), 'utf8');
    write(cwd, 'altered.ndjson', text.replace('"cost":1,', '"cost":2,'));
    const { code, stderr } = await callCli([...VERIFY, ...files], { cwd });
    expect(stderr).toMatch(says);
    expect(code).toBe(64);
  });
});
