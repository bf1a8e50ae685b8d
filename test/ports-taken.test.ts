import { createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { callCli } from './support/call-cli.ts';
import { clusterFolder, SMALL, up } from './support/cli-cluster.ts';

it('up takes other ports where somebody listens', async () => {
  const folder = clusterFolder();
  const octets = await listenEverywhere(7_100);
  const { status } = await up(folder, ...SMALL);
  const [[octet, port]] = status.nodes
    .map(({ address }) => address.split(/[.:]/))
    .map((at) => [at[1], at[4]]) as [[string, string]];
  // Where a cluster of another test ended meanwhile, its addresses are free.
  if (octets.includes(Number(octet))) expect(port).toBe('7200');
  else expect(port).toBe('7100');
  expect((await callCli(['down'], { cwd: folder })).code).toBe(0);
});

/**
 * Listens on every address of the machine, or, where a cluster of somebody else has the port, on every other one's.
 * Gives the second octets of those addresses.
 */
async function listenEverywhere(port: number): Promise<readonly number[]> {
  const octets = Array.from({ length: 50 }, (_, i) => 77 + i);
  try {
    await listen('0.0.0.0', port);
    return octets;
  } catch {
    const tried = await Promise.allSettled(octets.map((octet) => listen(`127.${octet}.1.1`, port)));
    return octets.filter((_octet, i) => tried[i]?.status === 'fulfilled');
  }
}

async function listen(host: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  onTestFinished(() => {
    server.close();
  });
}
