import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { historyFilesOf } from '../../../src/cli/files/history-files.ts';
import { readRecorded } from '../../../src/cli/files/read-recorded.ts';
import { writeProofs } from '../../../src/cli/runs/run-plan.ts';
import { JudgeThread } from '../../../src/cli/threads/judge-apart.ts';
import { judgeRun, latenciesOf } from '../../../src/experiment/judge-run.ts';
import { makeReport } from '../../../src/report/report.ts';
import { parseScenario } from '../../../src/scenario/parse.ts';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';
import { BASE, type Clock, clockAt, MACHINES, readings, S, take } from '../../support/part-clocks.ts';
import { controlOf, partOf, partText } from '../../support/part-history.ts';

const NAME = '20261128T120000000Z-baseline-1';
const RUN = `reports/${NAME}`;
const WAY = { there: 400, back: 300 };
const program = new URL('../../../dist/cli/threads/judge-thread.js', import.meta.url);
const plan = parseScenario(
  `# why\n${JSON.stringify({ policy: '4:1/s', load: { connections: 4, users: 6, duration: '2s', ramp: '0s' }, claims: ['total-excess <= 0'] })}`,
  { file: 'baseline.yaml' },
);
const [A, B] = MACHINES as [Clock, Clock];

/** The data of a page. */
function pageDataOf(html: string) {
  const [, data = ''] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html) ?? [];
  return JSON.parse(data);
}

/** A run of two machines and a control part, below `reports`. */
function writeRun({ hasControl = true } = {}) {
  const cwd = testFolder();
  const parts = join(cwd, RUN, 'parts/run');
  mkdirSync(parts, { recursive: true });
  const of = ['a', 'b'];
  for (const [at, own] of [A, B].entries()) {
    const operations =
      at === 0
        ? [0, 1, 2, 3].map((us) => take(own, us * 1_000, {}, (3 - us) * S + us * 1_000))
        : [take(own, 0.5 * S, { outcome: 'denied' }, Math.floor(0.5 * S * 1.00003))];
    const part = partOf(of[at], { control: true });
    const records = [
      ...readings(own, BASE, WAY),
      ...readings(own, { name: 'n', aheadUs: 1_795_000_000_000_000, ppm: 30 }, WAY).map(
        ({ source: _, ...one }) => one,
      ),
    ];
    const header = { refunds: 'none' } as const;
    writeFileSync(
      join(parts, `${of[at]}.ndjson.gz`),
      gzipSync(partText({ part, operations, records, header }, '4:1/s')),
    );
  }
  writeFileSync(join(parts, '.9f.unfinished'), 'x');
  const records = [
    ...readings(BASE, BASE, WAY).map((one) => ({ ...one, source: 'machine' as const })),
    { type: 'fault', fault: 'command', phase: 'inject', atUs: Math.floor(clockAt(BASE, 0.2 * S)) } as const,
    { type: 'fault', fault: 'command', phase: 'heal', atUs: Math.ceil(clockAt(BASE, 0.4 * S)) } as const,
  ];
  const control = partText({ part: controlOf({ machine: BASE.name }), records }, '4:1/s');
  if (hasControl) writeFileSync(join(parts, 'control.part.ndjson'), control);
  return { cwd, folder: join(cwd, RUN) };
}

/** Judges it in a thread and keeps its report, as a run does. */
async function keepRun(how?: Parameters<typeof writeRun>[0]) {
  const { cwd, folder } = writeRun(how);
  const files = historyFilesOf(folder);
  const by = { plan, busiest: [], problems: [] };
  const thread = new JudgeThread(new AbortController().signal, { program });
  const check = await thread.judge(files, by);
  if (check === undefined) throw new Error('it was not judged');
  await thread.certify(join(folder, 'certificate.ndjson.gz'));
  const report = makeReport({
    ...{ plan, command: 'openclaw-rl run baseline', startedAt: '', folder, system: 'swarm', loadMs: 2_000 },
    ...{ check, latencies: latenciesOf(check) },
  });
  const page = await thread.draw(report);
  await thread.close();
  writeFileSync(join(folder, 'report.json'), JSON.stringify(report));
  return { cwd, folder, files, by, check, page };
}

describe('a run in parts', { timeout: 60_000 }, () => {
  it('is judged in a thread as in this one, from the files in its folder', async () => {
    const { files, folder, by, check } = await keepRun();
    expect(files.map((file) => file.slice(folder.length))).toEqual(
      ['a.ndjson.gz', 'b.ndjson.gz', 'control.part.ndjson'].map((name) => `/parts/run/${name}`),
    );
    const never = new AbortController().signal;
    const how = { stdin: () => process.stdin, signal: never, log: () => {}, onProgress: () => {} };
    const { history } = await readRecorded(files, how);
    expect(check).toEqual(judgeRun(by, history).report);
    expect(check.parts).toMatchObject({ isWhole: true, control: { part: 'control part' } });
    expect(check.faults.map(({ phase }) => phase)).toEqual(['inject', 'heal']);
  });

  it('without its control part is unknown, and nothing is accused', async () => {
    const { check } = await keepRun({ hasControl: false });
    expect(check.verdict).toBe('unknown');
    expect(check.overAdmission.total + check.falseDenials.total).toBe(0);
  });

  it.each([
    { title: 'with each part', missing: [], says: [] },
    {
      title: 'with a lost part',
      missing: ['us-east'],
      says: ['no certificate.ndjson.gz: part us-east is missing; a certificate needs all parts\n'],
    },
  ])('$title has a certificate only if a verifier would take it', async ({ missing, says }) => {
    const { folder, check } = await keepRun();
    if (check.parts === undefined) throw new Error('it has no parts');
    const said: string[] = [];
    let isWritten = false;
    const certify = async () => {
      isWritten = true;
    };
    const parts = { ...check.parts, missing };
    const environment = {
      interrupt: new AbortController().signal,
      log: (text: string) => void said.push(text),
    };
    await writeProofs({ folder, parts }, { certify }, environment);
    expect([isWritten, said]).toEqual([missing.length === 0, says]);
  });

  it('is shown, judged again, compared, listed and verified by the name of its folder', async () => {
    const { cwd, folder, page } = await keepRun();
    const call = (...args: string[]) => callCli(args, { cwd });
    const shown = await call('report', 'baseline-1', '--format', 'md');
    expect(shown.stdout).toContain('| part | file | sent | allowed | denied | failed | info | dropped |');
    expect(shown.stdout).toMatch(/^\| control part \| .*control.part.ndjson \|/m);
    expect(shown.stdout).toMatch(/^\| base \| control part \| 0 \| 64 \| 0 \| 0 \| 0 \|$/m);
    expect(shown.stdout).toMatch(/^\| 0\.\d+ \| inject command \|/m);
    expect((await call('gate', 'baseline-1', '--json')).stdout).toContain('"control part"');
    expect((await call('runs')).stdout).toContain(NAME);
    const verified = await call('verify', 'baseline-1', '--json');
    expect([verified.code, verified.stderr.includes('left out')], verified.stderr).toEqual([0, false]);
    expect(JSON.parse(verified.stdout).verified).toMatchObject({ refused: 0, proved: 1 });
    await call('report', 'baseline-1', '--html');
    const html = readFileSync(join(folder, 'report.html'), 'utf8');
    expect(pageDataOf(html)).toEqual(pageDataOf(page));
    await call('compare', 'baseline-1', RUN, '--html', 'two.html');
    expect(existsSync(join(cwd, 'two.html'))).toBe(true);
  });

  it('has its page on the axis of the clock endpoint: one second, not the days between its machines', async () => {
    const { page } = await keepRun();
    const { series, spans, buckets, tables } = pageDataOf(page);
    const clocks = tables.find(({ head }: { head: string[] }) => head[0] === 'clock of');
    expect(clocks.rows.map(([, parts]: string[]) => parts)).toEqual(['a', 'b', 'control part']);
    expect(series.bins * series.binUs).toBeLessThan(2 * S);
    expect(spans[0].fromUs).toBeGreaterThan(0.2 * S);
    expect(spans[0].fromUs).toBeLessThan(0.3 * S);
    expect(buckets[0].invokedUs.at(-1)).toBeLessThan(S);
  });

  it('without a report is judged by a command that names all of its parts', async () => {
    const { cwd } = writeRun();
    const { stderr } = await callCli(['report', RUN], { cwd });
    expect(stderr).toContain(`openclaw-rl check ${RUN}/parts/*/*`);
  });
});
