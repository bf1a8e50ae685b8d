import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { machineId } from '../../../src/experiment/parts/machine-id.ts';
import { monotonicUs } from '../../../src/load/monotonic.ts';
import { runCli, startCli, testFolder, untilSaid } from '../../support/cli.ts';
import { httpReply, startHttpServer } from '../../support/http-server.ts';

const PROMISE = ['--promise', 'sliding-window:10/60s'];

const CLOCK_MS = Date.parse('2026-03-01T12:00:00Z');

/** A clock at which it is noon when it is first asked, so that the start is as far ahead on any machine. */
async function startClock(laterMachine = 'base', partsStatus = 200): Promise<string> {
  let asked = 0;
  const server = createServer((request, response) => {
    if (request.url === '/parts/') response.statusCode = partsStatus;
    const machine = asked++ === 0 ? 'base' : laterMachine;
    response.end(JSON.stringify({ machine, us: Math.floor(monotonicUs()), wallMs: CLOCK_MS }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

async function startHello() {
  const server = await startHttpServer((_request, socket) => void socket.write(httpReply(200)));
  onTestFinished(() => server.stop());
  return server;
}

/** Services of two regions that admit everything, after some milliseconds; gives the words of a part of the first. */
async function prepare({ delayMs = 0, duration = '60s', laterMachine = 'base', partsStatus = 200 } = {}) {
  const folder = testFolder();
  let requests = 0;
  const service = await startHttpServer((_request, socket) => {
    requests++;
    setTimeout(() => void socket.write(httpReply(200)), delayMs);
  });
  onTestFinished(() => service.stop());
  const services = { north: `${service.url}/`, south: `${service.url}/` };
  writeFileSync(join(folder, 'e.yaml'), JSON.stringify({ regions: ['north', 'south'], services }));
  const load = `{ mode: open, connections: 8, rate: 100, users: 6, roaming: 1, duration: ${duration} }`;
  writeFileSync(
    join(folder, 's.yaml'),
    `# Parts.\npolicy: 10:5/s\nload: ${load}\nclaims: [total-excess <= 0]\n`,
  );
  const own = { TMPDIR: testFolder() };
  const part = [
    '--endpoints',
    'e.yaml',
    '--subject-header',
    'x-user',
    '--part',
    'north',
    '--out',
    'north.ndjson',
  ];
  const words = [
    'load',
    's.yaml',
    ...part,
    '--clock',
    await startClock(laterMachine, partsStatus),
    '--start-at',
  ];
  const toSend = [...words.filter((word) => word !== '--out' && word !== 'north.ndjson')];
  const left = () => readdirSync(own.TMPDIR);
  const file = join(folder, 'north.ndjson');
  return { folder, words, toSend, env: own, left, file, requests: () => requests };
}

describe('load', { timeout: 60_000 }, () => {
  it('keeps what it sent when it is interrupted; its part then counts as cut short', async () => {
    const { folder, words, env, left, file } = await prepare({ delayMs: 500 }); // too slow to send too many meanwhile
    const run = startCli([...words, '12:00:05'], { cwd: folder, env });
    await untilSaid(run, /100 requests a second of all parts, at most 4 in flight/);
    await untilSaid(run, / north [1-9]\d*\/0\/0\/0/);
    run.child.kill('SIGINT');
    expect(await run.ended, run.output.stderr).toBe(130);
    expect(run.output.stderr).toMatch(
      /error: interrupted; .*north.ndjson has what was sent until then, and no end/,
    );
    const types = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect([types[0], types.includes('op'), types.includes('end')]).toEqual(['header', true, false]);
    expect(left()).toEqual([]);
    const { code, stdout } = await runCli(['check', 'north.ndjson'], { cwd: folder });
    expect([code, stdout.split('\n')[0]]).toEqual([2, 'verdict  unknown']);
    expect(stdout).toMatch(/cut short/);
  });

  it('records the problems that it found: the verdict on its part is then unknown', async () => {
    const { folder, words, env: own, file } = await prepare({ duration: '200ms', laterMachine: 'other' });
    const env = { ...own, OPENCLAW_RL_TASK: 'load.1', OPENCLAW_RL_MACHINE: 'node-7' }; // as a scheduler sets them
    const { code, stderr } = await runCli([...words, '12:00:05', '--control', ...PROMISE], {
      cwd: folder,
      env,
    });
    const problem = /the clock of another machine \(other\) answered later/;
    expect([code, stderr]).toEqual([0, expect.stringMatching(problem)]);
    const records = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const given = { task: 'load.1', machine: machineId('node-7') };
    expect(records[0]).toMatchObject({ promise: 'sliding-window:10/60s', strategy: 'external' });
    expect(records[0].part).toMatchObject({ name: 'north', control: true, ...given });
    const [event, ...others] = records.filter(({ event }) => event === 'problem');
    expect(others).toEqual([]);
    expect(event).toMatchObject({ type: 'event', args: { text: expect.stringMatching(problem) } });
    const { stdout } = await runCli(['check', 'north.ndjson', '--json'], { cwd: folder });
    const { verdict, troubles } = JSON.parse(stdout);
    expect([verdict, troubles]).toEqual(['unknown', [`the part north: ${event.args.text}`]]);
  });

  it('is of another run if it starts at another time, also by one name: its keys are others', async () => {
    const { folder, words, env, file } = await prepare({ duration: '200ms' });
    const other = words.map((word) => word.replace(/^north/, 'south'));
    const loads = [
      [...words, '12:00:07', '--run', 'nightly'],
      [...other, '12:00:08', '--run', 'nightly'],
    ];
    const ended = await Promise.all(loads.map((args) => runCli(args, { cwd: folder, env })));
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    const [header = ''] = readFileSync(file, 'utf8').split('\n');
    expect(JSON.parse(header).part.run).toMatch(/^nightly-[0-9a-f]{12}$/);
    const { code, stdout } = await runCli(['check', 'north.ndjson', 'south.ndjson'], { cwd: folder });
    expect([code, stdout.split('\n')[0]]).toEqual([2, 'verdict  unknown']);
    expect(stdout).toContain('south.ndjson is left out: it is the part south of another run of this plan');
  });

  it('leaves no file when it is interrupted before it sent anything', async () => {
    const { folder, words, env, left, file } = await prepare();
    const run = startCli([...words, '12:30', '--warm-up', '0'], { cwd: folder, env });
    await untilSaid(run, /wait +for the start at 2026-03-01T12:30:00/);
    await expect.poll(() => existsSync(file)).toBe(true);
    run.child.kill('SIGTERM');
    expect(await run.ended, run.output.stderr).toBe(143);
    expect([existsSync(file), left()]).toEqual([false, []]);
  });

  it('leaves nothing when it is interrupted before the load, after a warm-up, if it is to be sent', async () => {
    const { folder, toSend, env, left } = await prepare();
    const run = startCli([...toSend, '12:30', '--send'], { cwd: folder, env });
    await untilSaid(run, /wait +for the start at 2026-03-01T12:30:00/);
    run.child.kill('SIGTERM');
    expect(await run.ended, run.output.stderr).toBe(143);
    expect(run.output.stderr).not.toMatch(/requests that were sent/);
    expect(left()).toEqual([]);
  });

  it('is refused before anything is sent if the clock takes no files', async () => {
    const { folder, toSend, env, left, requests } = await prepare({ partsStatus: 403 });
    const { code, stderr } = await runCli([...toSend, '12:00:05', '--send'], { cwd: folder, env });
    expect([code, stderr]).toEqual([
      69,
      expect.stringMatching(/does not take .*\n {2}start that clock with/),
    ]);
    expect([left(), requests()]).toEqual([[], 0]);
  });

  it.each([
    { title: 'the clock does not answer', url: async () => 'http://127.0.0.1:1' },
    { title: 'another server answers', url: async () => (await startHello()).url },
  ])('leaves nothing if $title', async ({ url }) => {
    const { folder, toSend, env, left } = await prepare();
    const clock = await url();
    const args = toSend.map((word) => (/^http:/.test(word) ? clock : word));
    const { code, stderr } = await runCli([...args, '12:00:05', '--send'], { cwd: folder, env });
    expect([code, stderr]).toEqual([69, expect.stringMatching(/the clock at .* does not answer/)]);
    expect(left()).toEqual([]);
  });

  it('ends if it is not ready at the start, and leaves no folder without logs', async () => {
    const { folder, words, env, left } = await prepare({ delayMs: 4_600 });
    const { code, stderr } = await runCli([...words, '12:00:05'], { cwd: folder, env });
    expect(code).toBe(69);
    expect(stderr).toMatch(
      /it was not ready at the start, but \d+.\d s too late\n {2}choose a later --start-at/,
    );
    expect(left()).toEqual([]);
  });

  it.each([
    { start: '11:59', why: /--start-at 11:59 is past: it is 2026-03-01T12:00:00Z by the clock of the run/ },
    { start: '12:00:04', why: /--start-at 12:00:04 is 4.0 s ahead, and a part needs 5 s/ },
  ])('refuses a start at $start', async ({ start, why }) => {
    const { folder, words, env, left, file } = await prepare();
    const { code, stderr } = await runCli([...words, start], { cwd: folder, env });
    expect([code, existsSync(file), left()], stderr).toEqual([64, false, []]);
    expect(stderr).toMatch(why);
  });
});
