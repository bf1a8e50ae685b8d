import { expect, it } from 'vitest';
import { Store } from '../../scripts/store.ts';
import { VirtualTime } from '../../virtual-time.ts';
import { ServerProcess } from '../process.ts';
import { ReplicationLog } from './log.ts';
import { type Replica, Replicas } from './replicas.ts';

it('while writes are held, a WAIT adds nothing to the stream; it asks the replicas afterwards', async () => {
  const time = new VirtualTime();
  const log = new ReplicationLog('id');
  const replicas = new Replicas({
    ...{ log, process: new ServerProcess(time), data: () => new Store() },
    clockS: () => Math.floor(time.nowUs / 1_000_000),
  });
  const sent: unknown[] = [];
  const end = { send: (message: unknown) => void sent.push(message), close: () => {} };
  const replica = replicas.attach('a1', end, { id: 'id', offset: 0 }) as Replica;
  replicas.feed([{ type: 'delete', key: 'k' }]);
  const { offset } = log;
  replicas.isHeld = true;
  const counts: number[] = [];
  replicas.wait({ offset, replicas: 1, timeoutMs: 1_000 }, (count) => counts.push(count));
  await time.runUntil(500_000);
  expect([log.offset, sent.length, counts]).toEqual([offset, 2, []]);
  replicas.isHeld = false;
  expect(sent.at(-1)).toMatchObject({ part: { asksAck: true, offset: log.offset } });
  replicas.acknowledge(replica, log.offset);
  expect(counts).toEqual([1]);
});
