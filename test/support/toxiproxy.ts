import { request } from 'node:http';
import { onTestFinished } from 'vitest';
import { startToxiproxy, type Toxiproxy, type ToxiproxyOptions } from '../../src/toxiproxy/server/start.ts';

export interface ApiReply {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The text as JSON, or undefined where it is none. */
  readonly json: unknown;
}

export interface ApiRequest {
  readonly method?: string;
  readonly path: string;
  /** Sent as it is when a text, else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends one request to an API, without any client's help. */
export async function callApi(
  base: string,
  { method = 'GET', path, body, headers }: ApiRequest,
): Promise<ApiReply> {
  return new Promise((resolve, reject) => {
    const call = request(
      new URL(path, base),
      { method, headers: { 'user-agent': 'test', ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? null,
            headers: response.headers,
            text,
            json: parsed(text),
          }),
        );
      },
    );
    call.on('error', reject);
    call.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A Toxiproxy that ends with the test, and short ways to ask it. */
export interface TestToxiproxy extends Toxiproxy {
  call(method: string, path: string, body?: unknown): Promise<ApiReply>;
  /** Makes a proxy on a free port; gives the port. */
  proxy(name: string, upstreamPort: number): Promise<number>;
  toxic(proxy: string, body: unknown): Promise<ApiReply>;
}

export async function startTestToxiproxy(options: ToxiproxyOptions = {}): Promise<TestToxiproxy> {
  const toxiproxy = await startToxiproxy({ port: 0, seed: 1, ...options });
  onTestFinished(() => toxiproxy.close());
  const call = (method: string, path: string, body?: unknown) =>
    callApi(toxiproxy.url, { method, path, body });
  return {
    ...toxiproxy,
    call,
    async proxy(name, upstreamPort) {
      const upstream = `127.0.0.1:${upstreamPort}`;
      const { json, text } = await call('POST', '/proxies', { name, listen: '127.0.0.1:0', upstream });
      const { listen } = json as { listen?: string };
      if (listen === undefined) throw new Error(text);
      return Number(listen.split(':')[1]);
    },
    toxic: (proxy, body) => call('POST', `/proxies/${proxy}/toxics`, body),
  };
}
