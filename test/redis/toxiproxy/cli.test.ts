import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { runCli, startCli, testFolder } from '../../support/cli.ts';
import { freePort } from '../../support/free-port.ts';
import { connectPeer, echo, startTcpServer, waitUntil } from '../../support/tcp-peer.ts';
import { callApi } from '../../support/toxiproxy.ts';

/** Runs the command on a free port until it can be used. */
async function start(args: readonly string[] = [], folder = testFolder()) {
  const run = startCli(['toxiproxy', '--port', '0', ...args], { cwd: folder });
  await waitUntil(() => run.output.stdout.includes('\n') || run.child.exitCode !== null);
  return { ...run, url: /http:\S+/.exec(run.output.stdout)?.[0] ?? '' };
}

describe('openclaw-rl toxiproxy', () => {
  it('serves the API on loopback and closes everything on Ctrl-C', async () => {
    const { child, url, ended } = await start(['--seed', '7']);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const upstream = (await startTcpServer(echo)).address;
    const { json } = await callApi(url, {
      method: 'POST',
      path: '/proxies',
      body: { name: 'p', listen: '127.0.0.1:0', upstream },
    });
    await callApi(url, {
      method: 'POST',
      path: '/proxies/p/toxics',
      body: { type: 'latency', attributes: { latency: 60_000 } },
    });
    const client = await connectPeer(Number((json as { listen: string }).listen.split(':')[1]));
    client.socket.write('held');
    await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    await client.until(({ events }) => events.length > 0);
  });

  it('starts with the proxies of a file', async () => {
    const folder = testFolder();
    const listen = `127.0.0.1:${await freePort()}`;
    writeFileSync(
      join(folder, 'proxies.json'),
      JSON.stringify([{ name: 'p', listen, upstream: '127.0.0.1:9' }]),
    );
    const { url, output } = await start(['--config', 'proxies.json'], folder);
    expect(output.stderr).toBe(`proxy p: ${listen} -> 127.0.0.1:9\n`);
    expect((await callApi(url, { path: '/proxies/p' })).json).toMatchObject({ listen });
  });

  it.each([
    { title: 'a missing file', config: undefined, says: 'cannot read' },
    { title: 'no JSON', config: '[{', says: 'bad request body: unexpected EOF' },
    {
      title: 'a proxy without upstream',
      config: '[{"name":"p"}]',
      says: 'missing required field: upstream at proxy 1',
    },
  ])('refuses $title', async ({ config, says }) => {
    const folder = testFolder();
    if (config !== undefined) writeFileSync(join(folder, 'proxies.json'), config);
    const { code, stderr } = await runCli(['toxiproxy', '--port', '0', '--config', 'proxies.json'], {
      cwd: folder,
    });
    expect([code, stderr]).toEqual([64, expect.stringContaining(`error: --config: `)]);
    expect(stderr).toContain(says);
  });

  it('says that a port of --config is taken', async () => {
    const folder = testFolder();
    const { address } = await startTcpServer();
    writeFileSync(
      join(folder, 'proxies.json'),
      JSON.stringify([{ name: 'p', listen: address, upstream: '127.0.0.1:9' }]),
    );
    const args = ['toxiproxy', '--port', '0', '--config', 'proxies.json'];
    const { code, stderr } = await runCli(args, { cwd: folder });
    expect([code, stderr]).toEqual([
      69,
      expect.stringContaining(`--config: listen tcp ${address}: bind: address already in use`),
    ]);
    expect(stderr).not.toContain('expected [{');
  });

  it('serves /metrics with --proxy-metrics only', async () => {
    const [off, on] = [await start(), await start(['--proxy-metrics'])];
    expect((await callApi(off.url, { path: '/metrics' })).status).toBe(404);
    expect((await callApi(on.url, { path: '/metrics' })).status).toBe(200);
  });

  it('says that its port is taken, and refuses an invalid one', async () => {
    const { port } = await startTcpServer();
    const taken = await runCli(['toxiproxy', '--port', String(port)]);
    expect(taken).toMatchObject({
      code: 69,
      stderr: expect.stringContaining(`127.0.0.1:${port}: EADDRINUSE`),
    });
    expect(await callCli(['toxiproxy', '--port', '65536'])).toMatchObject({ code: 64 });
    expect(await callCli(['toxiproxy', '--seed', '-1'])).toMatchObject({ code: 64 });
  });

  it('shows examples with --help', async () => {
    const { code, stdout } = await callCli(['toxiproxy', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}\$ openclaw-rl toxiproxy/);
  });
});
