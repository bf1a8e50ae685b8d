import { createRequire } from 'node:module';
import { expect, it } from 'vitest';

const Client = createRequire(import.meta.url)('autocannon/lib/httpClient.js');

/** What src/load/connection.ts takes over or reads in a client of autocannon, none of which is promised to stay. */
const MEMBERS = {
  _doRequest: 'function',
  _connect: 'function',
  _destroyConnection: 'function',
  destroy: 'function',
  destroyed: 'boolean',
  'requestIterator.currentRequest': 'object',
  'requestIterator.nextRequest': 'function',
  'requestIterator.recordBody': 'function',
  'parser.initialize': 'function',
  'parser.execute': 'function',
  'parser.offset': 'number',
  'parser.end': 'number',
};

it.each(Object.entries(MEMBERS))('finds %s in autocannon, which the load needs', (path, type) => {
  let found: unknown;
  const setupClient = (client: Record<string, unknown> & { parser: { execute(chunk: Buffer): void } }) => {
    client.parser.execute(Buffer.from('HTTP/1.1 200 OK\r\n'));
    found = path.split('.').reduce((at: unknown, name) => (at as Record<string, unknown>)?.[name], client);
    client._connect = () => {}; // the test opens no socket
    client._destroyConnection = () => {};
  };
  new Client({ setupClient, requests: [{ method: 'GET', path: '/' }] }).destroy();
  expect(typeof found, `autocannon's client has no ${path}; see src/load/connection.ts`).toBe(type);
});
