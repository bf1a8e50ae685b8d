import dns from 'node:dns';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { callCli } from '../support/call-cli.ts';
import { startCli, testFolder, untilSaid } from '../support/cli.ts';
import { freePort } from '../support/free-port.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const REGIONS = ['us-east', 'eu-west', 'ap-south'];
/** The highest, so that the port of its bus is one, too. */
const CLUSTER = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2500'];

async function startNodes(command: (typeof SERVERS)[number], count = 6): Promise<TestServer[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const node = await startTestServer(command, [...CLUSTER, '--cluster-port', `${await freePort()}`]);
      onTestFinished(() => node.stop());
      return node;
    }),
  );
}

/** An endpoints file of these nodes, in turn of each region, and its folder. */
function writeEndpoints(addresses: readonly string[], kind = 'cluster'): string {
  const cwd = testFolder();
  const nodes = addresses.map((address, at) => ({
    ...{ name: `n${at + 1}`, region: REGIONS[at % REGIONS.length], address },
  }));
  writeFileSync(join(cwd, 'e.yaml'), JSON.stringify({ kind, regions: REGIONS, nodes }));
  return cwd;
}

const closedPorts = (count: number) =>
  Promise.all(Array.from({ length: count }, async () => `127.0.0.1:${await freePort()}`));
const addressOf = ({ port }: TestServer) => `127.0.0.1:${port}`;
const form = (cwd: string, ...more: string[]) => callCli(['form', 'e.yaml', ...more], { cwd });

/** The settings and the cluster of each node, as it sees them. */
const statesOf = (nodes: readonly TestServer[]) =>
  Promise.all(
    nodes.map(async ({ client }) => [
      await client.config('GET', '*'),
      String(await client.call('CLUSTER', 'NODES')).replace(/ \d+ \d+ \d+ connected/g, ''),
      await client.dbsize(),
    ]),
  );

describe.each(SERVERS)('form, of nodes of %s', { timeout: 60_000 }, (command) => {
  it('makes one cluster: a primary in each region, its replica in another; a run is possible', async () => {
    const nodes = await startNodes(command);
    const cwd = writeEndpoints(nodes.map(addressOf));
    const diagnose = () => callCli(['doctor', '--endpoints', 'e.yaml'], { cwd });
    expect((await diagnose()).stdout).toContain('openclaw-rl form <endpoints file>');
    const { code, stdout, stderr } = await form(cwd);
    expect([code, stdout.split('\n')], stderr).toEqual([
      0,
      [
        'a cluster of 6 nodes',
        ...['  n1 in us-east: primary, slots 0-5461', '  n2 in eu-west: primary, slots 5462-10922'],
        ...['  n3 in ap-south: primary, slots 10923-16383', '  n5 in eu-west: replica of n1'],
        ...['  n6 in ap-south: replica of n2', '  n4 in us-east: replica of n3', ''],
      ],
    ]);
    const doctor = await diagnose();
    expect([doctor.code, doctor.stdout], doctor.stderr).toEqual([0, expect.stringMatching(/acked/)]);
    const [, announced] = (await (nodes[5] as TestServer).client.config(
      'GET',
      'cluster-announce-ip',
    )) as string[];
    expect(announced).toBe('127.0.0.1');
    const again = await form(cwd);
    expect([again.code, again.stderr]).toEqual([69, expect.stringContaining('knows 5 other nodes')]);
    // Long after it is down the others take it for one of theirs.
    await Promise.all(nodes.map(({ client }) => client.config('SET', 'cluster-node-timeout', 60_000)));
    await nodes[5]?.stop();
    const { stdout: oneDown } = await diagnose();
    expect(oneDown).toMatch(/n6 .*does not answer/);
    expect(oneDown).not.toContain('not in the file');
  });

  it('waits for a name that is not known yet, and for a node that is not there yet', async () => {
    const [first, second] = await startNodes(command, 2);
    const late = await freePort();
    const cwd = writeEndpoints([
      `late.invalid:${first?.port}`,
      `127.0.0.1:${second?.port}`,
      `127.0.0.1:${late}`,
    ]);
    let isKnown = false;
    const { lookup } = dns;
    const answer = ((host: string, ...rest: [never, never]) =>
      lookup(isKnown && host === 'late.invalid' ? 'localhost' : host, ...rest)) as typeof lookup;
    const spied = vi.spyOn(dns, 'lookup').mockImplementation(answer);
    onTestFinished(() => spied.mockRestore());
    const asked = form(cwd, '--replicas', '0');
    await vi.waitUntil(() => spied.mock.calls.length > 3, { timeout: 20_000 });
    isKnown = true;
    const third = await startTestServer(command, [
      ...CLUSTER,
      '--port',
      `${late}`,
      '--cluster-port',
      `${await freePort()}`,
    ]);
    onTestFinished(() => third.stop());
    const { code, stdout, stderr } = await asked;
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining('a cluster of 3 nodes')]);
    expect(stderr).toMatch(/waiting for n1 at late.invalid:\d+: (ENOTFOUND|EAI_AGAIN)/);
    expect(stderr).toMatch(/waiting for n3 at 127.0.0.1:\d+: ECONNREFUSED/);
  });

  it('waits for no other node once one is not fresh', async () => {
    const [first] = await startNodes(command, 1);
    await first?.client.cluster('ADDSLOTS', 1);
    const cwd = writeEndpoints([first as TestServer].map(addressOf).concat(await closedPorts(2)));
    const run = startCli(['form', 'e.yaml', '--wait', '600'], { cwd });
    expect([await run.ended, run.output.stderr]).toEqual([
      69,
      expect.stringContaining('n1 is not fresh: it has slots'),
    ]);
  });

  it('refuses nodes that are not fresh, and changes nothing', async () => {
    const nodes = await startNodes(command, 3);
    const [first, second, third] = nodes as [TestServer, TestServer, TestServer];
    const cwd = writeEndpoints(nodes.map(addressOf));
    const refuses = async (why: string, folder = cwd, ...more: string[]) => {
      const before = await statesOf(nodes);
      const { code, stderr } = await form(folder, '--wait', '1', ...more);
      expect([code === 0, stderr]).toEqual([false, expect.stringContaining(why)]);
      expect(await statesOf(nodes)).toEqual(before);
    };
    await first.client.cluster('ADDSLOTS', 12_182);
    await refuses('n1 is not fresh: it has slots');
    await first.client.call('CLUSTER', 'RESET', 'HARD');
    await second.client.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
    await vi.waitFor(() => second.client.set('mine', 1), { timeout: 20_000 });
    await refuses('n2 is not fresh: it holds 1 key and has slots');
    await second.client.del('mine');
    await second.client.call('CLUSTER', 'RESET', 'HARD');
    await refuses(
      'waited 1 s for n3',
      writeEndpoints([addressOf(first), addressOf(second), `127.0.0.1:${await freePort()}`]),
    );
    await refuses(
      'n1 and n3 are the same node',
      writeEndpoints(
        [first, second, first].map((node, at) => (at < 2 ? addressOf(node) : `localhost:${node.port}`)),
      ),
    );
    await refuses(
      'us-east has 1 node; 1 replica of each primary need 2 in each region',
      cwd,
      '--replicas',
      '1',
    );
    const alone = await startTestServer(command);
    onTestFinished(() => alone.stop());
    await refuses('n3 is not in cluster mode', writeEndpoints([first, second, alone].map(addressOf)));
    expect((await form(writeEndpoints([first, second, third].map(addressOf)))).code).toBe(0);
  });

  it('waits for single servers, which it does not join, and refuses those with keys', async () => {
    const server = await startTestServer(command);
    onTestFinished(() => server.stop());
    const cwd = writeEndpoints([addressOf(server)], 'single');
    const formed = await form(cwd);
    expect([formed.code, formed.stdout], formed.stderr).toEqual([
      0,
      '1 server\n  n1 in us-east: a server of its own\n',
    ]);
    await server.client.set('mine', 1);
    const refused = await form(cwd);
    expect([refused.code, refused.stderr]).toEqual([
      69,
      expect.stringContaining('n1 is not fresh: it holds 1 key'),
    ]);
  });

  it('ends on Ctrl-C with 130: while it waits nothing is changed, and while it joins the nodes are reset', async () => {
    const nodes = await startNodes(command, 3);
    const before = await statesOf(nodes);
    const waits = startCli(['form', 'e.yaml'], {
      cwd: writeEndpoints([...nodes.slice(0, 2).map(addressOf), `127.0.0.1:${await freePort()}`]),
    });
    await untilSaid(waits, /waiting for n3/);
    waits.child.kill('SIGINT');
    expect(await waits.ended).toBe(130);
    expect(await statesOf(nodes)).toEqual(before);
    const joins = startCli(['form', 'e.yaml'], { cwd: writeEndpoints(nodes.map(addressOf)) });
    await untilSaid(joins, /joining them/, { interval: 5 });
    joins.child.kill('SIGINT');
    const code = await joins.ended;
    if (code === 0) return; // it was faster
    expect(code).toBe(130);
    const known = await Promise.all(nodes.map(({ client }) => client.call('CLUSTER', 'NODES')));
    expect(known.map((text) => String(text).trim().split('\n').length)).toEqual([1, 1, 1]);
  });
});
