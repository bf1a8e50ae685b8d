import { expect, it, onTestFinished } from 'vitest';
import { Cleanup } from '../../src/experiment/cleanup.ts';
import { watchNodes } from '../../src/experiment/watch/watches.ts';
import { Recorder } from '../../src/load/recorder.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/topology/topology.ts';
import { startTcpServer } from '../support/tcp-peer.ts';

/** The nodes whose roles a recorder of this share watches; none of them answers sensibly. */
async function watchedBy(share?: { region: string; nth: number; of: number }) {
  const { port } = await startTcpServer((socket) => socket.on('data', () => socket.write(':1\r\n')));
  const topology = planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a', 'b'], replicas: 0 });
  const regions = { topology, direct: () => ({ host: '127.0.0.1', port }) };
  const cleanup = new Cleanup();
  onTestFinished(async () => void (await cleanup.run()));
  const history = { add: () => {} };
  const recorder = new Recorder(() => {});
  const { roles } = await watchNodes(regions as never, {
    recorder,
    history: history as never,
    cleanup,
    share,
  });
  return [...roles.current().keys()];
}

it.each([
  { title: 'a run that is not divided', want: ['a-0', 'b-0'] },
  { title: 'the only part of a region', share: { region: 'b', nth: 1, of: 1 }, want: ['b-0'] },
  { title: 'the first of two parts', share: { region: 'b', nth: 1, of: 2 }, want: ['b-0'] },
  { title: 'the second of two parts', share: { region: 'b', nth: 2, of: 2 }, want: [] },
])('roles are watched by $title: $want', async ({ share, want }) => {
  expect(await watchedBy(share)).toEqual(want);
});
