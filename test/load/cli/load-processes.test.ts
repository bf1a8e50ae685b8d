import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type CliRun, runCli, startCli, testFolder, untilSaid } from '../../support/cli.ts';
import { type HttpServer, httpReply, startHttpServer } from '../../support/http-server.ts';
import { processesMentioning } from '../../support/processes.ts';

const RATE = 200;

async function serve(): Promise<HttpServer> {
  const server = await startHttpServer((_request, socket) => socket.write(httpReply(200, '{}')));
  onTestFinished(() => server.stop());
  return server;
}

/** An audit of this server as two regions. */
const audit = (server: HttpServer, ...more: readonly string[]) => [
  ...['bench', '--target', `a=${server.url}`, '--target', `b=${server.url}`, '--subject-header', 'x-user'],
  ...['--rate', String(RATE), '--connections', '60', '--users', '50', '--warm-up', '2'],
  ...['--policy', '1000:1000/s', ...more], // it keeps this promise: it admits all, but gets less,
];

/** What a run left in its folder. */
function kept(folder: string) {
  const read = (name: string) => readFileSync(join(folder, 'reports/latest', name), 'utf8');
  const records = read('history.ndjson')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return {
    ...{ report: JSON.parse(read('report.json')), plan: JSON.parse(read('plan.json')) },
    operations: records.filter(({ type }) => type === 'op'),
    end: records.find(({ type }) => type === 'end'),
  };
}

/** How often each user asked: what the server saw, or what the history has. */
const timesOf = (users: readonly string[]) => users.toSorted().join(' ');
const seenBy = ({ requests }: HttpServer) => timesOf(requests.map(({ headers }) => headers['x-user'] ?? ''));
const recordedIn = ({ operations }: ReturnType<typeof kept>) => timesOf(operations.map(({ user }) => user));

/** Until two load processes have sent for some time; gives their pids. */
async function untilSending(server: HttpServer, folder: string, run: CliRun): Promise<number[]> {
  await untilSaid(run, /load .*at most 60 in flight/);
  await vi.waitUntil(() => server.requests.length > RATE, { timeout: 20_000 });
  const pids = processesMentioning(folder)
    .filter(({ command }) => command.includes('load-process.js'))
    .map(({ pid }) => pid);
  expect(pids).toHaveLength(2);
  return pids;
}

describe('a run whose load is sent by two processes', { timeout: 120_000 }, () => {
  it('has each request in its history, and says how many processes sent them', async () => {
    const [server, folder] = [await serve(), testFolder()];
    const { stderr } = await runCli(audit(server, '--duration', '2', '--load-processes', '2'), {
      cwd: folder,
    });
    const run = kept(folder);
    const { arrivals, dropped } = run.report.whole; // a busy machine drops some
    expect(arrivals, stderr).toBe(2 * RATE);
    expect(run.end, stderr).toMatchObject({ sent: arrivals - dropped + 2 });
    expect(recordedIn(run)).toBe(seenBy(server));
    expect(run.report).toMatchObject({
      loadProcesses: 2,
      command: expect.stringContaining('--load-processes 2'),
    });
    expect(run.report.system).toMatch(/, load from 2 processes$/);
    expect(run.plan.load.processes).toBe(2);
    const indices = run.operations.map(({ index }) => index);
    expect(indices).toEqual(indices.map((_, nth) => nth));
    expect(stderr).toMatch(/load +\d\/2 s +a [1-9].* b [1-9]/);
  });

  it('is unknown if one of them is killed, and leaves nothing', async () => {
    const [server, folder] = [await serve(), testFolder()];
    const cli = startCli(audit(server, '--duration', '60', '--load-processes', '2'), { cwd: folder });
    const [, second = 0] = await untilSending(server, folder, cli);
    process.kill(second, 'SIGKILL');
    expect(await cli.ended, cli.output.stderr).toBe(2);
    const { report, end, operations } = kept(folder);
    expect(report.verdict).toBe('unknown');
    expect(JSON.stringify(report.accounts)).toMatch(
      /load process \d of 2 \([ab]\) ended with SIGKILL; later requests are not in the history: run it again/,
    );
    expect(end).toBeUndefined();
    expect(operations.length).toBeGreaterThan(RATE / 2);
    expect(processesMentioning(folder)).toEqual([]);
  });

  it.each([
    ['the program', false],
    ['all of its processes, as Ctrl-C in a terminal does', true],
  ])('ends in order if %s gets SIGINT', async (_title, isToAll) => {
    const [server, folder] = [await serve(), testFolder()];
    const cli = startCli(audit(server, '--duration', '60', '--load-processes', '2'), { cwd: folder });
    const pids = await untilSending(server, folder, cli);
    for (const pid of isToAll ? pids : []) process.kill(pid, 'SIGINT');
    cli.child.kill('SIGINT');
    expect(await cli.ended, cli.output.stderr).toBe(130);
    const run = kept(folder);
    expect(run.end).toMatchObject({ sent: run.operations.length });
    expect(recordedIn(run)).toBe(seenBy(server));
    expect(processesMentioning(folder)).toEqual([]);
  });

  it('ends with the program if that is killed', async () => {
    const [server, folder] = [await serve(), testFolder()];
    const cli = startCli(audit(server, '--duration', '60', '--load-processes', '2'), { cwd: folder });
    await untilSending(server, folder, cli);
    cli.child.kill('SIGKILL');
    await vi.waitUntil(() => processesMentioning(folder).length === 0, { timeout: 10_000 });
  });

  it('is refused with more processes than regions', async () => {
    const [server, folder] = [await serve(), testFolder()];
    const { code, stderr } = await runCli(audit(server, '--load-processes', '3'), { cwd: folder });
    expect(code).toBe(64);
    expect(stderr).toMatch(/--load-processes: expected at most 2, one for each region; found 3/);
  });
});
