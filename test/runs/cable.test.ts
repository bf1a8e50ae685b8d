import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { type CabledRedis, canCable, startCabledRedis } from '../support/cabled-redis.ts';
import { runCli, startCli, testFolder, untilSaid } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';
import { proved } from '../support/proved.ts';
import { unansweredBeforeFault } from '../support/unanswered.ts';

const LOAD = '--connections 20 --users 8 --skew 0 --roaming 0 --duration 9 --ramp 1 --at 2s --for 3s --claim';

/** The servers are apart, and no user meets both. */
const EVIDENCE = ['--claim', 'sides >= 0%', '--claim', 'info <= 50%'];

const PROBE = ['--probe', 'unreachable,region=eu-west'];

/** Two servers, each behind a cable of its own, in an endpoints file; gives the commands for that of eu-west. */
async function twoServers(folder: string) {
  const [us, eu] = [await startCabledRedis(1), await startCabledRedis(2)];
  onTestFinished(us.stop);
  onTestFinished(eu.stop);
  const node = (region: string, { host, port }: CabledRedis) => ({
    ...{ name: `redis-${region}`, region, address: `${host}:${port}` },
  });
  const nodes = [node('us-east', us), node('eu-west', eu)];
  const file = { kind: 'single', regions: ['us-east', 'eu-west'], nodes };
  writeFileSync(join(folder, 'endpoints.yaml'), JSON.stringify(file));
  const link = `ip -n ${eu.namespace} link set ${eu.device}`;
  return ['--endpoints', 'endpoints.yaml', '--inject', `${link} down`, '--heal', `${link} up`];
}

/** Of the requests to a region during the fault. */
function unanswered(region: string, { cells }: RunReport): number {
  const during = cells.find(({ name }) => name === `during command, ${region}`);
  const { failed = 0, info = 0 } = during?.outcomes ?? {};
  return failed + info;
}

describe.skipIf(!canCable())('a cable that is pulled by a command', { timeout: 180_000 }, () => {
  it('fails the requests of its region until it is plugged in again', async () => {
    const folder = testFolder();
    const flags = [...(await twoServers(folder)), ...LOAD.split(' ')];
    const args = ['chaos', 'command', ...flags, 'total-excess <= 0', ...EVIDENCE, '--json'];
    const run = async () => {
      const { code, stdout, stderr } = await runCli([...args, ...PROBE], { cwd: folder });
      expect(code, stdout + stderr).toBe(0);
      return { stderr, report: JSON.parse(stdout) as RunReport };
    };
    const { stderr, report } = await proved(run, (ran) => unanswered('us-east', ran.report) === 0); // but for a pause
    const { events, notes = [] } = report;
    expect(events.flatMap(({ event, args }) => (event === 'proof' ? [args] : []))).toEqual([
      { fault: 'command', bit: true, saw: 'no reply from redis-eu-west' },
    ]);
    expect(notes.filter((note) => note.startsWith('not proved'))).toEqual([]);
    expect(unansweredBeforeFault(folder)).toEqual([]);
    expect(unanswered('eu-west', report)).toBeGreaterThan(0);
    expect(unanswered('us-east', report)).toBe(0);
    expect(stderr).toMatch(/deleted \d+ keys of this run; 0 are left/); // by the cable that is plugged in again
  });

  it('that is not pulled makes the run unknown', async () => {
    const folder = testFolder();
    await twoServers(folder);
    const flags = ['--endpoints', 'endpoints.yaml', '--inject', 'true', '--heal', 'true', ...LOAD.split(' ')];
    const { code, stdout, stderr } = await runCli(
      [...['chaos', 'command', ...flags, 'total-excess <= 0', '--json'], ...PROBE],
      { cwd: folder },
    );
    expect(code, stdout + stderr).toBe(2);
    expect((JSON.parse(stdout) as RunReport).troubles).toEqual([
      'command changed nothing that its probe could see: redis-eu-west answers',
    ]);
  });

  it('is plugged in again on Ctrl-C', async () => {
    const folder = testFolder();
    const flags = [...(await twoServers(folder)), ...LOAD.split(' ')];
    const run = startCli(['chaos', 'command', ...flags, 'info <= 99%', '--duration', '60'], { cwd: folder });
    await untilSaid(run, /fault command/);
    run.child.kill('SIGINT');
    expect(await run.ended, run.output.stderr).toBe(130);
    expect(run.output.stderr).toMatch(/deleted \d+ keys? of this run; 0 are left/);
    expect(run.output.stderr).not.toMatch(/not undone|bug/);
    expect(processesMentioning(folder)).toEqual([]);
  });
});
