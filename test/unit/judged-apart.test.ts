import { once } from 'node:events';
import { createWriteStream, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { writeCertificate } from '../../src/cli/files/certificate-file.ts';
import { JudgeThread } from '../../src/cli/threads/judge-apart.ts';
import { HistoryFile } from '../../src/experiment/history-file.ts';
import { judgeRun, latenciesOf } from '../../src/experiment/judge-run.ts';
import { runPlan } from '../../src/experiment/run.ts';
import type { JudgedBy } from '../../src/experiment/run-context.ts';
import type { System } from '../../src/experiment/system.ts';
import { encodeRecord } from '../../src/history/records/codec.ts';
import { makeReport } from '../../src/report/report.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import type { Plan } from '../../src/scenario/plan.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli, testFolder } from '../support/cli.ts';
import { headerOf, operationOf } from '../support/history.ts';
import { httpReply, startHttpServer } from '../support/http-server.ts';
import { syntheticRecords } from '../support/synthetic-run.ts';

const program = new URL('../../dist/cli/threads/judge-thread.js', import.meta.url);

const planOf = (load: object): Plan =>
  parseScenario(
    `# why\n${JSON.stringify({ load, claims: ['total-excess <= 0', 'throughput >= 1/s'] })}`, // JSON is YAML
    { file: 'apart.yaml' },
  );

/** A thread that runs this instead of the program. */
function threadOf(code: string): JudgeThread {
  const file = join(testFolder(), 'thread.mjs');
  writeFileSync(file, `import { parentPort } from 'node:worker_threads';\n${code}`);
  return new JudgeThread(new AbortController().signal, { program: pathToFileURL(file) });
}

/** A bucket that admits without end: judging it takes many seconds, since all its operations overlap. */
async function writeSlowHistory(folder: string): Promise<string> {
  const path = join(folder, 'slow.ndjson');
  const operations = 1_500_000;
  const file = createWriteStream(path);
  file.write(encodeRecord(headerOf('20:5/s')));
  for (let first = 0; first < operations; first += 20_000)
    file.write(
      Array.from({ length: 20_000 }, (_, at) => {
        const index = first + at;
        return `{"type":"op","index":${index},"bucket":"b","cost":1,"invokedUs":${index},"completedUs":${2 * index},"outcome":"allowed"}\n`;
      }).join(''),
    );
  file.end(encodeRecord({ type: 'end', atUs: 0, sent: operations }));
  await once(file, 'close');
  return path;
}

describe('a run that is judged in a thread of its own', { timeout: 60_000 }, () => {
  it('is judged as it would be in the main thread, and has the same page', async () => {
    const operations = 30_000;
    const held = new HistoryFile(join(testFolder(), 'history.ndjson'), headerOf('20:5/s'), () => {});
    for (const record of syntheticRecords({ operations })) held.add(record);
    const { path, history } = await held.end({ type: 'end', atUs: 21_000_000, sent: operations });
    if (history === undefined) throw new Error('it was not held');
    const by: JudgedBy = {
      plan: planOf({ connections: 20, users: 5, duration: '2s' }),
      busiest: ['ratings:u0', 'ratings:u7', 'never seen'],
      problems: ['something died'],
    };
    const thread = new JudgeThread(new AbortController().signal, { program });
    const apart = await thread.judge([path], by);
    const examination = judgeRun(by, history);
    expect(apart).toEqual(examination.report);
    expect(apart?.verdict).toBe('fail');
    const { plan } = by;
    const report = makeReport({
      ...{ plan, command: '', startedAt: '', folder: '', system: '', loadMs: 20_000 },
      ...{ check: examination.report, latencies: latenciesOf(examination.report) },
    });
    const { runHtml }: typeof import('../../src/cli/output/html-file.ts') = await import(
      new URL('../../dist/cli/output/html-file.js', import.meta.url).href
    );
    expect((await thread.draw(report)) === runHtml(report, { history, examination })).toBe(true);
    const folder = testFolder();
    const [here, there] = [join(folder, 'here.ndjson'), join(folder, 'there.ndjson')];
    await thread.certify(there);
    await writeCertificate(here, { history, examination }, new AbortController().signal);
    expect(readFileSync(there, 'utf8') === readFileSync(here, 'utf8')).toBe(true);
    await expect(thread.certify(join(folder, 'gone/c.ndjson'))).rejects.toMatchObject({
      code: 'ENVIRONMENT_FAILED',
      message: expect.stringMatching(/^cannot write .*c\.ndjson: ENOENT/),
    });
    await thread.close();
    await expect(thread.certify(there)).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(readdirSync(folder).sort()).toEqual(['here.ndjson', 'there.ndjson']);
  });

  it('is read while it is written, and judged as it would be in the main thread', async () => {
    const operations = 30_000;
    const path = join(testFolder(), 'history.ndjson');
    const thread = new JudgeThread(new AbortController().signal, { program });
    thread.follow(path); // before it exists
    const file = new HistoryFile(path, headerOf('20:5/s'), () => {});
    let added = 0;
    for (const record of syntheticRecords({ operations })) {
      file.add(record);
      if (++added % 7_000 !== 0) continue;
      file.flush();
      await setTimeout(50); // the thread reads in between
    }
    const { history } = await file.end({ type: 'end', atUs: 21_000_000, sent: operations });
    if (history === undefined) throw new Error('it was not held');
    const plan = planOf({ connections: 20, users: 5, duration: '2s' });
    const by: JudgedBy = { plan, busiest: [], problems: [] };
    expect(await thread.judge([path], by)).toEqual(judgeRun(by, history).report);
    await thread.close();
  });

  it.each([
    { command: 'bench', hasEvents: false },
    { command: 'chaos kill --node us-east-0 --at 500ms --for 1s', hasEvents: true },
  ])('is the same simulated run of $command, with the same report', async ({ command, hasEvents }) => {
    const load = '--simulate --connections 30 --users 6 --skew 0 --duration 5s --json';
    const args = `${command} ${load}`.split(' ');
    const runs = ['', '0'].map(async (above) => {
      const cwd = testFolder();
      const env = above === '' ? {} : { OPENCLAW_RL_JUDGE_APART: above };
      const { code, stdout, stderr } = await runCli(args, { cwd, env });
      const { folder, startedAt: _, ...report } = JSON.parse(stdout);
      const written = (name: string) => readFileSync(join(cwd, 'reports/latest', name), 'utf8');
      const same = (text: string) => text.replaceAll(folder, '').replaceAll(basename(folder), '');
      expect(stderr).not.toMatch(/warning/);
      return { code, report: same(JSON.stringify(report)), history: written('history.ndjson') };
    });
    const [here, apart] = await Promise.all(runs);
    expect(here?.code).toBe(0);
    expect(here?.report.includes('"event":"role"')).toBe(hasEvents);
    expect(apart).toEqual(here);
  });

  it('holds nothing in memory that is longer than it may be', async () => {
    const path = join(testFolder(), 'history.ndjson');
    let told = 0;
    const file = new HistoryFile(...([path, headerOf('20:5/s'), () => {}, 2] as const), () => told++);
    for (const index of [0, 1, 2]) file.add(operationOf(index, { outcome: 'denied' }));
    const { history, frame } = await file.end({ type: 'end', atUs: 9, sent: 3 });
    expect(history).toBeUndefined();
    expect(told).toBe(1);
    expect(frame).toMatchObject({ outcomes: { allowed: 0, denied: 3 }, end: { sent: 3 } });
    expect(frame.operations.rows).toBe(0);
  });

  it('has a report, a page and a certificate in its folder like any other, and ends its thread', async () => {
    const folder = testFolder();
    const server = await startHttpServer((_, socket) => void socket.write(httpReply(429)));
    const args = ['bench', '--target', server.url, '--subject-header', 'x-k', '--policy', '20:5/s'];
    const load = '--connections 4 --users 6 --duration 2s --ramp 1s --warm-up 0 --certificate --json'.split(
      ' ',
    );
    const { code, stdout, stderr } = await runCli([...args, ...load], {
      cwd: folder,
      env: { OPENCLAW_RL_JUDGE_APART: '0' },
    });
    await server.stop();
    expect(code, stderr).toBe(1); // every user has tokens
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'fail', buckets: 6 });
    expect(stderr).not.toMatch(/warning/);
    expect(readFileSync(join(folder, 'reports/latest/report.html'), 'utf8')).toContain('ratings:');
    const { code: verified, stdout: found } = await callCli(['verify', '--json'], { cwd: folder });
    expect([verified, JSON.parse(found).verified]).toMatchObject([0, { buckets: 6, denial: 6, refused: 0 }]);
  });

  describe('whose thread dies', () => {
    const by: JudgedBy = {
      plan: planOf({ connections: 3, users: 3, duration: '1s' }),
      busiest: [],
      problems: [],
    };
    const noMemory = `throw new RangeError('Array buffer allocation failed');`;
    const found = {
      code: 'ENVIRONMENT_FAILED',
      message: 'out of memory in the thread that judges the run: Array buffer allocation failed',
      hint: expect.stringMatching(
        /^free memory.*; then judge its records: openclaw-rl check '\/a b\.ndjson'$/,
      ),
    };

    it('while it follows the run has an error that names its history once it is to be judged', async () => {
      const thread = threadOf(noMemory);
      thread.follow('/a b.ndjson');
      await setTimeout(300); // so that it may be gone before the question
      await expect(thread.judge(['/a b.ndjson'], by)).rejects.toMatchObject(found);
      await thread.close();
    });

    it.each([
      { title: 'for lack of memory', dies: noMemory, error: found },
      { title: 'by a mistake of ours', dies: `throw new Error('oh')`, error: { message: 'oh' } },
    ])(
      'after its verdict $title has neither page nor certificate, and was not interrupted',
      async (given) => {
        const { dies, error } = given;
        const sign = join(testFolder(), 'die');
        const thread = threadOf(`
        import { existsSync } from 'node:fs';
        parentPort.once('message', () => {
          parentPort.postMessage({ verdict: 'pass' });
          setInterval(() => { if (existsSync('${sign}')) { ${dies} } }, 5);
        });`);
        expect(await thread.judge(['/a b.ndjson'], by)).toEqual({ verdict: 'pass' });
        writeFileSync(sign, '');
        const report = {} as Parameters<JudgeThread['draw']>[0];
        await expect(thread.draw(report)).rejects.toMatchObject(error); // dead or dying
        await expect(thread.certify('/gone/c.ndjson')).rejects.toMatchObject(error);
        await thread.close();
      },
    );
  });

  it('ends at a signal within a second, unknown, torn down and with its counts', async () => {
    const slow = await writeSlowHistory(testFolder());
    const server = await startHttpServer((_, socket) => void socket.write(httpReply(429)));
    const folder = join(testFolder(), 'run');
    await mkdir(folder);
    const interrupt = new AbortController();
    const thread = new JudgeThread(interrupt.signal, { above: 0, program });
    let isTornDown = false;
    let abortedMs = Number.POSITIVE_INFINITY;
    const plan = planOf({ connections: 4, users: 6, ramp: '0s', duration: '1s' });
    const result = await runPlan({
      ...{ plan, folder, startedAt: new Date(), signal: interrupt.signal, onLeftover: () => {} },
      shell: { cwd: folder, env: {} },
      onExit: () => () => {},
      judgeApart: { above: thread.above, judge: (_, by) => thread.judge([slow], by) },
      provide: async ({ cleanup }): Promise<System> => {
        cleanup.add('stop', async () => {
          isTornDown = true;
        });
        return {
          description: 'a server',
          targets: plan.topology.regions.map((region) => ({ region, url: server.url, subjectHeader: 'x-k' })),
          ...{ isOurs: false, initial: 'unknown' },
        };
      },
      onProgress: ({ stage }) => {
        if (stage !== 'check') return;
        void setTimeout(1_500).then(() => {
          abortedMs = performance.now();
          interrupt.abort();
        });
      },
    });
    expect(performance.now() - abortedMs).toBeLessThan(3_000); // a second where the machine is its own
    await server.stop();
    const { check } = result;
    expect(isTornDown).toBe(true);
    expect(check.verdict).toBe('unknown');
    expect(check.accounts.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^all \d+ requests sent are accounted for: 0 allowed \+ [1-9]\d* denied/),
      `the check of the run was interrupted; check its records with: openclaw-rl check ${join(folder, 'history.ndjson')}`,
    ]);
    expect(check.claims.slice(0, 2).map(({ status, reason }) => [status, reason])).toEqual([
      ['unknown', 'total-excess <= 0: not judged'],
      ['unknown', 'throughput >= 1/s: not judged'],
    ]);
    expect(result.evidence).toBeUndefined();
  });
});
