import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keySlot } from '../../src/limiter/redis/hash-slot.ts';
import type { RunReport } from '../../src/report/report.ts';
import { callCli } from '../support/call-cli.ts';
import { startCli, testFolder, untilSaid } from '../support/cli.ts';
import { clusterFolder, SMALL as TWO_REGIONS, up } from '../support/cli-cluster.ts';

const LOAD = '--rate 60 --connections 60 --users 12 --skew 0'.split(' ');
const SMALL = [...LOAD, '--claim', 'info <= 50%', '--json'];
const ATOMIC = join(import.meta.dirname, '../fixtures/limiters/scripted/atomic.mjs');
const PAUSES = `# Two nodes are paused, one of which has every key: is the other pause left out?
limiter: ./one-slot.mjs
policy: 8:2/s
topology: { regions: [a, b], replicas: 0, roundTrip: { 'a:b': 10ms } }
load: { connections: 8, users: 4, skew: 0, roaming: 1, ramp: 1s, duration: 7s }
faults: [{ fault: pause, node: a-0, at: 2s, for: 1s }, { fault: pause, node: b-0, at: 4s, for: 1s }]
claims: [total-excess <= bound, contested >= 50%]
`;

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

  it('a pause of a node that has no key', async () => {
    const folder = testFolder();
    writeFileSync(
      join(folder, 'one-slot.mjs'),
      `import * as atomic from ${JSON.stringify(ATOMIC)};
       export const createLimiter = (options) => atomic.createLimiter({ ...options, prefix: '{one}' });`,
    );
    writeFileSync(join(folder, 'pauses.yaml'), PAUSES);
    const { code, stdout, stderr } = await callCli(['run', 'pauses.yaml', '--json'], { cwd: folder });
    const report: RunReport = JSON.parse(stdout);
    expect([code, report.verdict], stderr).toEqual([2, 'unknown']);
    const without = keySlot('{one}') < 8_192 ? 'b-0' : 'a-0';
    const noKey = `no command with a key reached ${without} during the load, while other nodes ran some`;
    expect(report.troubles).toEqual([`pause concerned no bucket: ${noKey}`]);
    const proofOf = (node: string) => ({
      ...{ fault: 'pause', bit: true, saw: `${node} accepts connections and does not answer` },
      ...(node === without && { noKey }),
    });
    expect(proofsOf(report)).toEqual([proofOf('a-0'), proofOf('b-0')]);
  });
});
