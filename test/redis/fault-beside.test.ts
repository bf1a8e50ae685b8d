import { expect, it, onTestFinished, vi } from 'vitest';
import { FaultSchedule } from '../../src/experiment/fault-schedule.ts';
import type { FaultContext } from '../../src/faults/support/fault.ts';
import type { Event, FaultRecord } from '../../src/history/records/operation.ts';
import type { PlannedFault } from '../../src/scenario/plan.ts';
import { testFolder } from '../support/cli.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const FAILOVER = { probe: 'failover', node: 'n' } as const;

/** By commands: `inject` at this time, for that long. */
function fault(inject: string, atMs: number, forMs: number): PlannedFault {
  return { fault: 'command', inject, heal: 'true', limitMs: 10_000, probe: FAILOVER, atMs, forMs };
}

/** What was seen of each, in the order of their heals. */
async function seenOf(faults: readonly PlannedFault[], { port }: TestServer) {
  const records: (Event | FaultRecord)[] = [];
  const topology = { regions: ['r'], nodes: [{ name: 'n', region: 'r' }] };
  const direct = () => ({ host: '127.0.0.1', port });
  const folder = testFolder();
  const schedule = new FaultSchedule({
    faults,
    seed: 1,
    system: { regions: { topology, direct } as unknown as FaultContext['regions'] },
    shell: { folder, cwd: folder, env: { PATH: process.env.PATH ?? '' } },
    nowUs: () => performance.now() * 1_000,
    record: (record) => records.push(record),
    settled: async () => {},
  });
  schedule.start(() => {});
  const proofs = () => records.flatMap((record) => (record.type === 'event' ? [record.args] : []));
  await vi.waitUntil(() => proofs().length === faults.length, { timeout: 30_000 });
  expect([await schedule.end(), schedule.problems]).toEqual([[], []]);
  return proofs();
}

it('a failover is proved if no other fault can have caused it', async () => {
  const [server, other] = [await startTestServer('redis-server'), await startTestServer('redis-server')];
  onTestFinished(() => server.stop());
  onTestFinished(() => other.stop());
  const replicate = `redis-cli -p ${server.port} replicaof 127.0.0.1 ${other.port}`;
  const [within, around] = await seenOf(
    [fault(replicate, 3_000, 6_000), fault('true', 3_200, 4_000)],
    server,
  );
  const saw = (atS: number) => `n was a primary and is a replica, but perhaps because of command at ${atS} s`;
  expect([within, around]).toEqual([
    { fault: 'command', bit: false, saw: saw(3) },
    { fault: 'command', bit: false, saw: saw(3.2) },
  ]);
  await server.client.replicaof('NO', 'ONE');
  const [first, second] = await seenOf(
    [fault(replicate, 0, 500), fault(`redis-cli -p ${server.port} replicaof no one`, 6_000, 500)],
    server,
  );
  expect([first, second]).toEqual([
    { fault: 'command', bit: true, saw: 'n was a primary and is a replica' },
    { fault: 'command', bit: true, saw: 'n was a replica and is a primary' },
  ]);
});
