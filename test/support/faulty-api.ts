import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * What becomes of a request to an API: `pass` it on; `hang` without passing it on, as the real server does
 * while its lock is held; `lose` the reply after the server has done it; `garbage` instead of JSON.
 */
export type ApiFault = 'pass' | 'hang' | 'lose' | 'garbage';

export interface FaultyApi {
  readonly url: string;
  /** Method and path of every request so far. */
  readonly seen: readonly string[];
}

/** Stands between a client and an API; `faultOf` decides for each request. */
export async function startFaultyApi(base: string, faultOf: (call: string) => ApiFault): Promise<FaultyApi> {
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const call = `${incoming.method} ${incoming.url}`;
    seen.push(call);
    const fault = faultOf(call);
    if (fault === 'garbage') outgoing.end('<html>');
    else if (fault !== 'hang') passOn(base, incoming, outgoing, fault);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function passOn(base: string, incoming: IncomingMessage, outgoing: ServerResponse, fault: ApiFault): void {
  const { method, headers, url = '/' } = incoming;
  const call = request(new URL(url, base), { method, headers }, (reply) => {
    if (fault === 'lose') {
      reply.resume().on('end', () => outgoing.destroy());
      return;
    }
    outgoing.writeHead(reply.statusCode ?? 500, reply.headers);
    reply.pipe(outgoing);
  });
  incoming.pipe(call);
}
