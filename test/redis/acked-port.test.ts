import { afterEach, describe, expect, it } from 'vitest';
import type { AckedPort } from '../../src/limiter/redis/port.ts';
import { PORTS, script } from '../support/redis-ports.ts';
import { startReplicated } from '../support/replicated.ts';
import { SERVERS, type TestServer } from '../support/server.ts';

const KEY = 'count';
const TIMEOUT_MS = 5_000;

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Counts in KEYS[1]; with an argument it only reads. */
const COUNT = script(
  'count-or-read',
  "return {tonumber(redis.call(ARGV[1] and 'GET' or 'INCR', KEYS[1]) or '0')}",
);

/** What a write came to: its count, or the error. */
const write = async (port: AckedPort) => {
  try {
    const { values, acked } = await port.runAcked(COUNT, [KEY], []);
    await acked();
    return values[0];
  } catch (error) {
    return error;
  }
};

const CASES = SERVERS.flatMap((command) =>
  PORTS.filter(({ name }) => !name.startsWith('node-redis')).map((port) => ({ ...port, command })),
);

describe.each(CASES)('an acked port by $name on $command', { timeout: 60_000 }, ({ command, standalone }) => {
  async function start(command: string) {
    const rig = await startReplicated(command);
    ends.push(rig.stop);
    return rig;
  }

  function open(server: TestServer, replicas = 1): AckedPort {
    const port = standalone(server.port, TIMEOUT_MS).openAcked({ replicas });
    ends.push(() => port.close());
    return port;
  }

  it('confirms a write that the replica has', async () => {
    const { primary, replica } = await start(command);
    const port = open(primary);
    for (let i = 1; i <= 20; i++) {
      expect(await write(port)).toBe(i);
      expect(await replica.client.get(KEY)).toBe(String(i));
    }
    expect(await Promise.all(Array.from({ length: 100 }, () => write(port)))).toHaveLength(100);
    expect(await replica.client.get(KEY)).toBe('120');
  });

  it('does not confirm a write that the replica lacks, refuses later ones, and resumes once it catches up', async () => {
    const { primary, link } = await start(command);
    const port = open(primary);
    expect(await write(port)).toBe(1);
    link.mode = 'hold-replies';
    expect(await write(port)).toMatchObject({ code: 'NOT_ACKED', charge: 'possible' });
    await expect
      .poll(() => write(port), { timeout: 20_000 })
      .toMatchObject({ code: 'REPLICAS_MISSING', charge: 'none' });
    const ran = await primary.client.get(KEY);
    for (let i = 0; i < 20; i++)
      expect(await write(port)).toMatchObject({ code: 'REPLICAS_MISSING', charge: 'none' });
    expect(await primary.client.get(KEY)).toBe(ran);
    link.release();
    link.mode = 'pass';
    await expect.poll(() => write(port), { timeout: 30_000 }).toBe(Number(ran) + 1);
  });
});
