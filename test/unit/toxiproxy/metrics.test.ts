import { expect, it } from 'vitest';
import { connectPeer, echo, startTcpServer } from '../../support/tcp-peer.ts';
import { callApi, startTestToxiproxy } from '../../support/toxiproxy.ts';

const RECEIVED = 'toxiproxy_proxy_received_bytes_total';
const SENT = 'toxiproxy_proxy_sent_bytes_total';

/** A proxy `p"\` to an echo. */
async function setUp() {
  const toxiproxy = await startTestToxiproxy({ proxyMetrics: true });
  const { address, port } = await startTcpServer(echo);
  const proxyPort = await toxiproxy.proxy('p"\\', port);
  return {
    toxiproxy,
    labels: `listener="127.0.0.1:${proxyPort}",proxy="p\\"\\\\",upstream="${address}"`,
    metrics: async () => (await toxiproxy.call('GET', '/metrics')).text,
    /** One connection that sends a text and ends. */
    async pass(text: string) {
      const client = await connectPeer(proxyPort);
      client.socket.end(text);
      await client.until(({ events }) => events.includes('end'));
      client.socket.destroy();
    },
  };
}

it('counts bytes by direction once a connection has ended, in Prometheus text', async () => {
  const { toxiproxy, labels, metrics, pass } = await setUp();
  expect(await metrics()).not.toContain(RECEIVED);
  await pass('hello');
  const readLines = async () =>
    (await metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('# HELP'));
  await expect
    .poll(readLines)
    .toEqual([
      `# TYPE ${RECEIVED} counter`,
      `${RECEIVED}{direction="downstream",${labels}} 5`,
      `${RECEIVED}{direction="upstream",${labels}} 5`,
      `# TYPE ${SENT} counter`,
      `${SENT}{direction="downstream",${labels}} 5`,
      `${SENT}{direction="upstream",${labels}} 5`,
    ]);
  const { type, status, headers } = await toxiproxy.call('GET', '/metrics');
  expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  expect(headers['x-content-type-options']).toBeUndefined();
});

it('adds the bytes of all connections, and keeps them when the proxy is deleted', async () => {
  const { toxiproxy, labels, metrics, pass } = await setUp();
  for (const text of ['hello', 'you']) await pass(text);
  await toxiproxy.call('DELETE', '/proxies/p%22%5C');
  await expect.poll(metrics).toContain(`${SENT}{direction="upstream",${labels}} 8\n`);
});

it('counts data that a toxic drops as received only', async () => {
  const { toxiproxy, labels, metrics, pass } = await setUp();
  const toxic = { type: 'limit_data', stream: 'upstream', attributes: { bytes: 2 } };
  await toxiproxy.call('POST', '/proxies/p%22%5C/toxics', toxic);
  await pass('hello');
  await expect.poll(metrics).toContain(`${RECEIVED}{direction="upstream",${labels}} 5\n`);
  await expect.poll(metrics).toContain(`${SENT}{direction="upstream",${labels}} 2\n`);
});

it('is absent without the option', async () => {
  const { url } = await startTestToxiproxy();
  expect((await callApi(url, { path: '/metrics' })).status).toBe(404);
});
