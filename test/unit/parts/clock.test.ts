import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ClockEndpoint } from '../../../src/experiment/parts/clock-endpoint.ts';
import { ClockPings } from '../../../src/experiment/parts/clock-pings.ts';
import { createClockServer } from '../../../src/experiment/parts/clock-server.ts';
import { machineId } from '../../../src/experiment/parts/machine-id.ts';
import type { ClockReading } from '../../../src/history/records/operation.ts';
import { monotonicUs } from '../../../src/load/monotonic.ts';
import { freePort } from '../../support/free-port.ts';

const never = new AbortController().signal;

afterEach(() => {
  vi.useRealTimers();
});

async function startClock(port = 0) {
  const clock = createClockServer();
  const url = await clock.listen({ host: '127.0.0.1', port });
  const stop = async () => {
    clock.server.closeAllConnections();
    await clock.close();
  };
  onTestFinished(stop);
  return { url, stop };
}

/** A server that answers each question with the next of these texts, and then with the last; without any, nothing. */
async function startFake(...texts: readonly string[]) {
  let asked = 0;
  const server = createServer((_request, response) => {
    if (texts.length > 0) response.end(texts[Math.min(asked++, texts.length - 1)]);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

function endpointOf(url: string) {
  const endpoint = new ClockEndpoint(url);
  onTestFinished(() => endpoint.close());
  return endpoint;
}

async function pingsOf(url: string) {
  const pings = await ClockPings.start(url, never);
  onTestFinished(() => pings.stop());
  return pings;
}

describe('the clock of a run', () => {
  it('tells its machine, its monotonic clock and the time of day', async () => {
    const { url } = await startClock();
    const before = monotonicUs();
    const answer = await endpointOf(url).ask(5_000);
    expect(answer.machine).toBe(machineId());
    expect(answer.machine).toMatch(/^[0-9a-f]{12}$/);
    expect(before - 1 <= answer.us && answer.us <= monotonicUs()).toBe(true);
    expect(answer.sentUs <= answer.us && answer.us <= answer.answeredUs).toBe(true);
    expect(Math.abs(answer.wallMs - Date.now())).toBeLessThan(60_000);
  });

  it('takes each part of a run once, from one sender', async () => {
    const { url } = await startClock();
    const pings = await pingsOf(url);
    const part = { run: 'run', name: 'a:1/2' };
    expect(await pings.start(part, { sender: 'load.1' })).toBeUndefined();
    expect(await pings.start(part, { sender: 'load.1' })).toBeUndefined();
    expect(await pings.start(part, { sender: 'load.2' })).toBe('another process sends this part: load.1');
    expect(await pings.start({ ...part, name: 'a:2/2' }, { sender: 'load.2' })).toBeUndefined();
    expect(await pings.start({ ...part, run: 'other' }, { sender: 'load.2' })).toBeUndefined();
  });

  it('does not step with the time of day while it is asked', async () => {
    const { url } = await startClock();
    const endpoint = endpointOf(url);
    const first = await endpoint.ask(5_000);
    vi.spyOn(Date, 'now').mockReturnValue(first.wallMs + 3_600_000);
    onTestFinished(() => void vi.restoreAllMocks());
    const second = await endpoint.ask(5_000);
    const passedMs = (second.us - first.us) / 1_000;
    expect(Math.abs(second.wallMs - first.wallMs - passedMs)).toBeLessThanOrEqual(1);
  });

  it.each([
    { path: '/', method: 'GET', status: 404 },
    { path: '/clock', method: 'POST', status: 405 },
  ])('answers $method $path with $status', async ({ path, method, status }) => {
    const { url } = await startClock();
    expect((await fetch(url + path, { method })).status).toBe(status);
  });
});

describe('the pings of a part', () => {
  it('are readings whose error covers the offset: none, between processes of one machine', async () => {
    const { url } = await startClock();
    const pings = await pingsOf(url);
    const readings: ClockReading[] = [];
    pings.writeTo((reading) => readings.push(reading));
    await vi.waitUntil(() => readings.length >= 5, { timeout: 10_000 });
    await pings.stop();
    for (const { source, node, atUs, serverUs, errorUs } of readings) {
      expect([source, node]).toEqual(['machine', machineId()]);
      expect(Math.abs(serverUs - atUs)).toBeLessThanOrEqual(errorUs);
    }
    expect(pings.facts()).toMatchObject({ machine: machineId(), readings: readings.length, missed: 0 });
    expect(Math.abs(pings.localUs(1_000_000_000) - 1_000_000_000)).toBeLessThanOrEqual(pings.facts().errorUs);
    expect(pings.problems()).toEqual([]);
  });

  it('go on when the clock was away', async () => {
    const port = await freePort();
    const first = await startClock(port);
    const pings = await pingsOf(first.url);
    await first.stop();
    await vi.waitUntil(() => pings.facts().missed >= 2, { timeout: 10_000 });
    const { readings } = pings.facts();
    await startClock(port);
    await vi.waitUntil(() => pings.facts().readings > readings + 1, { timeout: 10_000 });
  });

  it('do not use the clock of another machine that answers later', async () => {
    const answer = (machine: string) => JSON.stringify({ machine, us: 1_000_000, wallMs: 0 });
    const pings = await pingsOf(await startFake(answer('one'), answer('other')));
    await vi.waitUntil(() => pings.problems().length > 0, { timeout: 10_000 });
    expect(pings.facts()).toMatchObject({ machine: 'one', readings: 1 });
    expect(pings.problems()[0]).toMatch(/the clock of another machine \(other\) answered later/);
  });

  it.each([
    { title: 'text', text: 'hello' },
    { title: 'JSON without a clock', text: '{"machine":"a","us":"1","wallMs":1}' },
    { title: 'a time that is no date', text: '{"machine":"a","us":1,"wallMs":1e300}' },
    { title: 'a machine with a strange name', text: '{"machine":"a b","us":1,"wallMs":1}' },
    { title: 'more than a clock answers', text: ' '.repeat(100_000) },
  ])('are refused at once if the answer is $title', async ({ text }) => {
    const url = await startFake(text);
    await expect(ClockPings.start(url, never)).rejects.toThrow(
      /does not answer: it is no clock of `serve clock`/,
    );
  });

  it.each([
    { title: 'is not there', start: async () => `http://127.0.0.1:${await freePort()}`, why: 'ECONNREFUSED' },
    { title: 'accepts and says nothing', start: () => startFake(), why: 'not within 0.6 s' },
  ])('end before the load if the clock $title, with the way out', async ({ start, why }) => {
    const url = await start();
    const failure = await endpointOf(url)
      .askFirst(600, never)
      .catch((error) => error);
    expect(failure).toMatchObject({
      code: 'ENVIRONMENT_FAILED',
      message: `the clock at ${url} does not answer: ${why}`,
      hint: expect.stringContaining('openclaw-rl serve clock --host <address>'),
    });
  });
});
