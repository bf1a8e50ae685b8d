import { readFileSync } from 'node:fs';
import { startCli } from './cli.ts';
import { waitUntil } from './tcp-peer.ts';
import { callApi } from './toxiproxy.ts';

/** A Toxiproxy in a process of its own, so that its memory and time are its own; built first, ended with the test. */
export interface ToxiproxyProcess {
  readonly url: string;
  /** Makes a proxy on a free port; gives the port. */
  proxy(name: string, upstreamPort: number): Promise<number>;
  toxic(proxy: string, body: unknown): Promise<void>;
  /** Memory in use, in MiB. */
  residentMiB(): number;
}

export async function startToxiproxyProcess(): Promise<ToxiproxyProcess> {
  const { child, output } = startCli(['toxiproxy', '--port', '0', '--seed', '1']);
  await waitUntil(() => output.stdout.includes('\n'));
  const url = /http:\S+/.exec(output.stdout)?.[0] ?? '';
  const post = async (path: string, body: unknown) => {
    const { status, text, json } = await callApi(url, { method: 'POST', path, body });
    if (status >= 300) throw new Error(text);
    return json;
  };
  return {
    url,
    async proxy(name, upstreamPort) {
      const spec = { name, listen: '127.0.0.1:0', upstream: `127.0.0.1:${upstreamPort}` };
      const { listen } = (await post('/proxies', spec)) as { listen: string };
      return Number(listen.split(':')[1]);
    },
    async toxic(proxy, body) {
      await post(`/proxies/${proxy}/toxics`, body);
    },
    residentMiB() {
      const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      return Number(kib) / 1024;
    },
  };
}
