import { expect, it, onTestFinished } from 'vitest';
import { recordServers } from '../../src/experiment/parts/server-identities.ts';
import type { Event, HistoryRecord } from '../../src/history/records/operation.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/topology/topology.ts';
import { freePort } from '../support/free-port.ts';
import { SERVERS, startTestServer } from '../support/server.ts';

const topology = planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a', 'b'], replicas: 0 });

/** What a part records whose endpoints file has these ports. */
async function recorded(ports: Readonly<Record<string, number>>) {
  const records: HistoryRecord[] = [];
  const regions = { topology, direct: (name: string) => ({ host: '127.0.0.1', port: ports[name] ?? 0 }) };
  await recordServers(regions as never, { nowUs: () => 7.5 }, { add: (record) => void records.push(record) });
  const rows = (records as Event[]).map(({ event, node, atUs, args }) => [event, node, atUs, args?.runId]);
  return rows.sort(); // in the order of their replies
}

async function start(command: string) {
  const server = await startTestServer(command);
  onTestFinished(() => server.stop());
  return server;
}

it.each(SERVERS)('a part records the run_id of each node that it reaches: %s', async (command) => {
  const [one, other] = [await start(command), await start(command)];
  const gone = await freePort();
  const first = await recorded({ 'a-0': one.port, 'b-0': other.port });
  expect(first.map(([event, node, atUs]) => [event, node, atUs])).toEqual([
    ['server', 'a-0', 7],
    ['server', 'b-0', 7],
  ]);
  const ids = first.map(([, , , runId]) => runId);
  expect(new Set(ids).size).toBe(2);
  expect(await recorded({ 'a-0': one.port, 'b-0': gone })).toEqual([['server', 'a-0', 7, ids[0]]]);
});
