import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { ALONE, type ProbeContext } from '../../src/faults/probes/probe.ts';
import { makeProbe } from '../../src/faults/probes/registry.ts';
import type { CommandSpec } from '../../src/scenario/faults/command.ts';
import type { PlannedFault } from '../../src/scenario/plan.ts';
import { testFolder } from '../support/cli.ts';
import { startTestServer } from '../support/server.ts';

/** One node `n` of the region `r` at this port, which may change, and a service of the region. */
function contextOf(at: { port: number }, more: Partial<ProbeContext> = {}): ProbeContext {
  const place = () => ({ host: '127.0.0.1', port: at.port });
  const topology = { regions: ['r'], nodes: [{ name: 'n', region: 'r' }] };
  const regions = { topology, direct: place } as unknown as ProbeContext['regions'];
  const signal = new AbortController().signal;
  return { regions, services: { r: place() }, ...ALONE, random: makeRandom(1), signal, ...more };
}

const made = async (spec: Pick<CommandSpec, 'proof' | 'probe'>, context: ProbeContext) => {
  const probe = await makeProbe(
    { fault: 'command', inject: 'x', heal: 'x', limitMs: 60_000, ...spec },
    context,
  );
  if (probe === undefined) throw new Error('it has no probe');
  return probe;
};

/** Answers each command after a while, or never. */
async function startNode() {
  const node = { port: 0, delayMs: 0, isSilent: false };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => {
      if (!node.isSilent) setTimeout(() => socket.write('+PONG\r\n'), node.delayMs);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  node.port = (server.address() as AddressInfo).port;
  return { node, server };
}

describe('a fault by commands is proved', () => {
  it('by no reply of a node or of a region, if there was one before', async () => {
    const { node } = await startNode();
    for (const place of [{ node: 'n' }, { region: 'r' }]) {
      node.isSilent = false;
      const probe = await made({ probe: { probe: 'unreachable', ...place } }, contextOf(node));
      expect(await probe.look()).toEqual({ bit: false, saw: 'n answers' });
      node.isSilent = true;
      expect(await probe.look()).toEqual({ bit: true, saw: 'no reply from n' });
      const late = await made({ probe: { probe: 'unreachable', ...place } }, contextOf(node));
      expect(await late.look()).toEqual({ bit: false, saw: 'n did not answer before, too' });
    }
  });

  it('by a service that accepts no connection; no request is sent to it', async () => {
    const { node, server } = await startNode();
    let received = 0;
    server.on('connection', (socket) => socket.on('data', () => received++));
    const probe = await made({ probe: { probe: 'unreachable', service: 'r' } }, contextOf(node));
    expect(await probe.look()).toEqual({ bit: false, saw: 'the service of r answers' });
    server.close();
    expect(await probe.look()).toEqual({ bit: true, saw: 'no reply from the service of r' });
    expect(received).toBe(0);
  });

  it('by a round trip that grew by what it says', async () => {
    const { node } = await startNode();
    const probe = await made({ probe: { probe: 'latency', node: 'n', byMs: 300 } }, contextOf(node));
    expect(await probe.look()).toMatchObject({
      bit: false,
      saw: expect.stringMatching(/^n took .* ms before and .* ms now$/),
    });
    node.delayMs = 400;
    expect(await probe.look()).toMatchObject({ bit: true });
    node.isSilent = true;
    expect(await probe.look()).toMatchObject({ bit: true, saw: expect.stringMatching(/and longer now$/) });
  });

  it.each([
    { place: { node: 'n' }, name: 'n' },
    { place: { service: 'r' }, name: 'the service of r' },
  ])('by no latency if connections to $name are refused', async ({ place, name }) => {
    const { node, server } = await startNode();
    const probe = await made({ probe: { probe: 'latency', byMs: 300, ...place } }, contextOf(node));
    server.close();
    expect(await probe.look()).toEqual({ bit: false, saw: `5 of 5 connections to ${name} failed` });
  });

  it('by no latency if connections are closed', async () => {
    const { node, server } = await startNode();
    const probe = await made({ probe: { probe: 'latency', node: 'n', byMs: 300 } }, contextOf(node));
    server.on('connection', (socket) => socket.destroy());
    expect(await probe.look()).toEqual({ bit: false, saw: '5 of 5 connections to n failed' });
  });

  it('by a role that changed, or by another process', async () => {
    const [server, other] = [await startTestServer('redis-server'), await startTestServer('redis-server')];
    onTestFinished(() => server.stop());
    onTestFinished(() => other.stop());
    const at = { port: server.port };
    const failover = await made({ probe: { probe: 'failover', region: 'r' } }, contextOf(at));
    const restart = await made({ probe: { probe: 'restart', node: 'n' } }, contextOf(at));
    const causes: PlannedFault[] = [];
    const beside = { others: () => causes };
    const doubted = await made({ probe: { probe: 'failover', region: 'r' } }, contextOf(at, beside));
    const started = await made({ probe: { probe: 'restart', node: 'n' } }, contextOf(at, beside));
    expect(await failover.look()).toEqual({ bit: false, saw: 'n is a primary, as before' });
    const same = { bit: false, saw: 'the same process of n answers as before' };
    expect([await restart.look(), await restart.lookHealed?.()]).toEqual([same, same]);
    await server.client.replicaof('127.0.0.1', other.port);
    expect(await failover.look()).toEqual({ bit: true, saw: 'n was a primary and is a replica' });
    const kill = { fault: 'kill', node: 'n', atMs: 2_000, forMs: 1_000 } as const;
    causes.push(kill);
    const saw = 'n was a primary and is a replica, but perhaps because of kill at 2 s';
    expect(await doubted.look()).toEqual({ bit: false, saw });
    at.port = other.port;
    const another = { bit: true, saw: 'another process of n answers than before' };
    expect([await restart.look(), await restart.lookHealed?.()]).toEqual([another, another]);
    expect(await started.lookHealed?.()).toEqual({
      ...{ bit: false, saw: `${another.saw}, but perhaps because of kill at 2 s` },
    });
    causes.splice(0, 1, { ...kill, node: 'm' }, { fault: 'failover', node: 'n', atMs: 0, forMs: 1_000 });
    expect([await started.look(), await started.lookHealed?.()]).toEqual([another, another]);
    causes.splice(0, 2, kill); // after the look that saw another process
    expect(await started.lookHealed?.()).toEqual(another);
    expect([failover.looks, restart.looks]).toEqual(['in the end', 'in the end']);
  });

  it('by a node that is down, and is another process as soon as it answers after the heal', async () => {
    const [server, other] = [await startTestServer('redis-server'), await startTestServer('redis-server')];
    onTestFinished(() => other.stop());
    const at = { port: server.port };
    const spec = { probe: { probe: 'restart', node: 'n' } } as const;
    const probe = await made(spec, contextOf(at));
    await server.stop();
    expect(await probe.look()).toEqual({ bit: true, saw: 'n does not answer' });
    const healed = probe.lookHealed?.();
    await probe.look(); // the look after the heal has met the silence by then
    at.port = other.port;
    expect(await healed).toEqual({ bit: true, saw: 'another process of n answers than before' });
    at.port = server.port;
    const late = await made(spec, contextOf(at));
    expect(await late.look()).toEqual({ bit: false, saw: 'n did not answer before, too' });
  });

  it('by a command that failed before it', async () => {
    const folder = testFolder();
    const shell = { folder, number: 1, cwd: folder, env: { PATH: process.env.PATH ?? '' } };
    const context = contextOf({ port: 9 }, { shell });
    const probe = await made({ proof: 'echo looking; test -e broken' }, context);
    expect(await probe.look()).toEqual({
      bit: false,
      saw: expect.stringMatching(
        /^its proof did not succeed: exit code 1, last lines: looking; output: .*1-proof.log$/,
      ),
    });
    writeFileSync(join(folder, 'broken'), '');
    expect(await probe.look()).toEqual({ bit: true, saw: 'its proof succeeded' });
    const late = await made({ proof: 'test -e broken' }, context);
    expect(await late.look()).toEqual({ bit: false, saw: 'its proof succeeded before the fault, too' });
    expect(existsSync(join(folder, 'faults/1-proof.log'))).toBe(true);
  });

  it('by nothing, if it names nothing', async () =>
    expect(
      await makeProbe({ fault: 'command', inject: 'x', heal: 'x', limitMs: 1 }, contextOf({ port: 9 })),
    ).toBeUndefined());
});
