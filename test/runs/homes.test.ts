import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Inspected } from '../../src/cli/output/inspect-table.ts';
import type { Matrix } from '../../src/report/matrix.ts';
import type { RunReport } from '../../src/report/report.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli } from '../support/cli.ts';
import { clusterFolder } from '../support/cli-cluster.ts';
import { hasEvidence, proved } from '../support/proved.ts';

const SMALL = `# Does a small run keep its promise?
topology:
  regions: [a, b]
  replicas: 1
  roundTrip: { a:b: 10ms }
policy: 8:2/m # a bucket is stored for minutes after a run
load: { mode: open, rate: 120, connections: 300, users: 8, skew: 0, roaming: 0.25, ramp: 1s, duration: 3s }
claims: [total-excess <= bound, contested >= 40%, info <= 5%]
`;

const TABLE = JSON.stringify({
  format: 'openclaw-homes',
  version: 1,
  regions: { a: { slots: '0-16383' } },
});

interface Operation {
  readonly region: string;
  readonly bucket: string;
  readonly decision?: { readonly node?: string };
}

function operationsIn(folder: string): Operation[] {
  const lines = readFileSync(join(folder, 'reports/latest/history.ndjson'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'op');
}

const homeOf = ({ bucket }: Operation) => /^ratings:([\w-]+)\.u\d+$/.exec(bucket)?.[1];

describe('a run with homes', { timeout: 300_000 }, () => {
  it('keeps its promise: each bucket is decided in its home, and found by inspect', async () => {
    const cwd = clusterFolder();
    writeFileSync(join(cwd, 'small.yaml'), SMALL);
    const topology = ['--regions', 'a,b', '--round-trip', 'a:b=10', '--replicas', '1'];
    expect((await runCli(['up', ...topology], { cwd })).code).toBe(0);
    for (const strategy of ['central', 'acked', 'lease']) {
      const args = ['run', 'small.yaml', '--strategy', strategy, '--homes', '--json'];
      const { code, report } = await proved(async () => {
        const ended = await runCli(args, { cwd });
        expect(ended.stdout, ended.stderr).not.toBe('');
        return { code: ended.code, report: JSON.parse(ended.stdout) as RunReport };
      }, hasEvidence);
      expect([code, report.verdict], `${strategy}: ${JSON.stringify(report.claims)}`).toEqual([0, 'pass']);
      expect(report.plan.homes).toBe(true);
      // as without: one primary for each shard, and no step of its clock
      for (const { bound } of report.shards) expect(bound).toMatchObject({ totalExcess: 0, worstWindow: 0 });
      for (const file of ['report.md', 'report.html', 'report.json'])
        expect(readFileSync(join(cwd, 'reports/latest', file), 'utf8')).toContain('buckets at home: ');
      const decided = operationsIn(cwd).filter(({ decision }) => decision?.node !== undefined);
      expect(decided.length).toBeGreaterThan(20);
      for (const one of decided) expect(`${homeOf(one)}-0`).toBe(one.decision?.node);
      expect(new Set(decided.map(homeOf))).toEqual(new Set(['a', 'b']));
      expect(decided.some((one) => one.region !== homeOf(one))).toBe(true); // of one who roams
    }
    const inspected = async (...args: string[]): Promise<Inspected> =>
      JSON.parse((await callCli(['inspect', 'b.u2', '--json', ...args], { cwd })).stdout);
    const found = await inspected();
    expect(found).toMatchObject({ home: { region: 'b', isThere: true }, isStored: true });
    expect(found.key).toMatch(/:\{\w{3}\}:b\.u2:ratings$/);
    const { stdout: table } = await callCli(['homes'], { cwd });
    writeFileSync(join(cwd, 'homes.json'), table);
    expect((await inspected('--homes', 'homes.json')).key).toBe(found.key);
    const elsewhere = await inspected('--homes', 'homes.json', '--home', 'a');
    expect(elsewhere).toMatchObject({ home: { region: 'a', isThere: true }, isStored: false });
    const text = await callCli(['inspect', 'u2'], { cwd });
    expect(text.stdout).toMatch(/^home +none: the name of the user begins with no region/m);
  });

  it('is refused where there are no homes, before anything is started', async () => {
    const cwd = clusterFolder();
    writeFileSync(join(cwd, 'small.yaml'), SMALL);
    const refused = async (...args: string[]) => {
      const { code, stdout, stderr } = await callCli(args, { cwd });
      expect({ code, stdout }, stderr).toEqual({ code: 64, stdout: '' });
      return stderr;
    };
    const article = 'homes: strategy article has no homes; remove it, or use central, acked, lease';
    expect(await refused('bench', '--homes', '--strategy', 'article')).toContain(article);
    expect(await refused('run', 'article-limiter', '--homes')).toContain(article);
    expect(await refused('run', 'sentinel-failover', '--homes')).toContain(
      'homes: topology sentinel has one',
    );
    expect(await refused('bench', '--topology', 'single', '--homes')).toContain(
      'homes: topology single has one',
    );
    expect(await refused('bench', '--limiter', './mine.mjs', '--homes')).toContain('--homes');
    expect(await refused('bench', '--target', 'http://127.0.0.1:1/', '--homes')).toContain('--homes');
    for (const command of ['bench', 'run'])
      expect(await refused(command, '--homes', 'homes.json')).toContain(
        '--homes takes no file here; found "homes.json"\n  leave the file out: a run reads the table from its cluster',
      );
    const matrix = ['matrix', '--scenario', 'small.yaml', '--strategy', 'article', '--homes', '--json'];
    const { stdout } = await callCli(matrix, { cwd });
    const { cells }: Matrix = JSON.parse(stdout);
    expect(cells).toMatchObject([{ status: 'refused', reason: expect.stringContaining(article) }]);
  });

  it.each([
    { homes: 'none.json', says: '--homes: cannot read none.json: there is no such file' },
    { homes: '{}', says: '--homes: homes.format must be openclaw-homes' },
    { homes: '{', says: '--homes: the table is not JSON' },
    { homes: TABLE, more: ['--strategy', 'article'], says: 'homes' },
    { homes: TABLE, more: [], says: '--homes needs --cluster: a home is a region of a Redis Cluster' },
    { homes: TABLE, more: ['--cluster', '--limiter', './mine.mjs'], says: '--homes' },
  ])('a service refuses $homes $more', async ({ homes, more = ['--cluster'], says }) => {
    const serve = ['serve', 'rating', '--redis', 'redis://127.0.0.1:1', '--policy', '8:2/s'];
    const { code, stderr } = await callCli([...serve, '--homes', homes, ...more]);
    expect([code, stderr]).toEqual([64, expect.stringContaining(says)]);
  });
});
