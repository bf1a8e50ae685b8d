import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { callCli } from '../support/call-cli.ts';
import { startCli, testFolder, untilSaid } from '../support/cli.ts';
import { clusterFolder, SMALL as TWO_REGIONS, up } from '../support/cli-cluster.ts';

const SMALL = ['--connections', '30', '--users', '12', '--skew', '0', '--claim', 'info <= 50%', '--json'];

const proofsOf = ({ events }: RunReport) =>
  events.flatMap(({ event, args }) => (event === 'proof' ? [args] : []));

describe('a fault that changes nothing makes the run unknown', { timeout: 120_000 }, () => {
  it('a latency of 0', async () => {
    const command = ['chaos', 'latency', '--between', 'us-east', 'eu-west', '--add', '0'];
    const { code, stdout } = await callCli(
      [...command, ...SMALL, '--at', '1s', '--for', '1s', '--duration', '3'],
      {
        cwd: testFolder(),
      },
    );
    const report: RunReport = JSON.parse(stdout);
    expect([code, report.verdict]).toEqual([2, 'unknown']);
    expect(report.troubles).toContain('latency changed nothing that its probe could see: it adds nothing');
    expect(proofsOf(report)).toEqual([{ fault: 'latency', bit: false, saw: 'it adds nothing' }]);
  });

  it('a partition that another program heals', async () => {
    const folder = clusterFolder();
    await up(folder, ...TWO_REGIONS);
    const times = ['--at', '1s', '--for', '20s', '--duration', '22'];
    const command = ['chaos', 'partition', '--isolate', 'b', ...times];
    const run = startCli([...command, ...SMALL], { cwd: folder });
    await untilSaid(run, /fault partition/, { timeout: 60_000 });
    const healed = await callCli(['fault', 'heal'], { cwd: folder });
    expect(healed.code, healed.stderr).toBe(0);
    expect(await run.ended, run.output.stderr).toBe(2);
    const report: RunReport = JSON.parse(run.output.stdout);
    expect(report.troubles).toEqual([
      expect.stringMatching(
        /^partition changed nothing that its probe could see: a PING from . to . had a reply/,
      ),
    ]);
  });
});
