import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Cleanup } from '../../src/experiment/cleanup.ts';
import { ServiceProcess } from '../../src/experiment/service-process.ts';
import { testFolder } from '../support/cli.ts';
import { isRunning } from '../support/processes.ts';

/** Prints its pid, and listens nowhere. It reports an address unless the file MUTE exists; ends at once if that has a text. */
const SERVICE = `
const { existsSync, readFileSync, writeSync } = require('node:fs');
console.log(process.pid);
if (existsSync(process.env.MUTE) && readFileSync(process.env.MUTE, 'utf8') !== '') process.exit(3);
if (!existsSync(process.env.MUTE)) writeSync(3, '{"ready":{"address":"http://127.0.0.1:1"}}\\n');
setInterval(() => {}, 1_000);
`;

/** A service and its cleanup. None of its processes outlives the test. */
async function startService({ stop }: { stop?: () => Promise<void> } = {}) {
  const logs = testFolder();
  const mute = join(logs, 'mute');
  const pids = () => {
    const log = join(logs, 'it.log');
    return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').map(Number) : [];
  };
  const cleanup = new Cleanup();
  const interrupt = new AbortController();
  onTestFinished(() => {
    for (const pid of pids()) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  });
  const service = await ServiceProcess.start({
    ...{ name: 'it', role: 'rating', region: 'a', args: [], env: { MUTE: mute }, logs, cleanup },
    place: {
      node: [process.execPath],
      script: ['-e', SERVICE],
      listen: { host: '127.0.0.1', port: 1 },
      ...(stop && { stop }),
    },
    signal: interrupt.signal,
    onDeath: (how) => expect.unreachable(how),
  });
  return { service, cleanup, interrupt, pids, mute: (text = '') => writeFileSync(mute, text) };
}

const SOON = { timeout: 15_000 };

it('a service that is being ended can still be killed by a program that has to exit', async () => {
  const stop = vi.fn(() => new Promise<void>(() => {}));
  const { service, cleanup, pids } = await startService({ stop });
  const [pid = 0] = pids();
  void service.kill();
  await vi.waitFor(() => expect(stop).toHaveBeenCalledOnce(), SOON);
  expect(isRunning(pid)).toBe(true);
  cleanup.kill();
  await vi.waitFor(() => expect(isRunning(pid)).toBe(false), SOON);
});

it('a service that starts again is not waited for once the run is interrupted', {
  timeout: 60_000,
}, async () => {
  const { service, interrupt, pids, mute } = await startService();
  await service.kill();
  mute();
  const starting = service.startAgain();
  const rejected = expect(starting).rejects.toMatchObject({ code: 'INTERRUPTED' });
  await vi.waitFor(() => expect(pids()).toHaveLength(2), SOON);
  interrupt.abort();
  await rejected;
  await vi.waitFor(() => expect(pids().some(isRunning)).toBe(false), SOON);
});

it('a service that ends before it listens fails its start, and is reported by that alone', async () => {
  const { service, mute } = await startService();
  await service.kill();
  mute('end');
  await expect(service.startAgain()).rejects.toMatchObject({
    message: expect.stringContaining('it ended with code 3'),
  });
});
