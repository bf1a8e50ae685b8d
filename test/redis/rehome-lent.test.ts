import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/core/policy.ts';
import { loadScript, policyArgs } from '../../src/limiter/redis/script.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const HOUR_MS = 3_600_000;
const policy = parsePolicy('20:20/h');
const [KEY, RECORD] = ['{b}', '{b}:move'];
const [DONE, LENT] = [0, 8];

/** The scripts alone: what they answer and store while a move waits for lent tokens. */
describe.each(SERVERS)('a bucket that is to move, on %s', (command) => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer(command);
  });
  afterEach(() => server.stop());

  /** One request of the only holder: its number, and its tokens. */
  const lease = (seq: number, { used = 0, returned = 0, want = 0 }, keptUs = 60_000_000) =>
    server.client.eval(
      loadScript('lease').source,
      ...[1, KEY, [...policyArgs(policy), keptUs].join(' '), `5 1 ${seq} ${used} ${returned} ${want} 0`],
    ) as Promise<number[]>;
  const leave = (by = policy, keepMs = HOUR_MS) =>
    server.client.eval(
      loadScript('rehome-leave').source,
      ...[2, KEY, RECORD, 7, keepMs, 1, -1, ...policyArgs(by)],
    ) as Promise<number[]>;
  /** seq, granted, used, returned and takenBackAt of the holder's account. */
  const account = async () => {
    const value = await server.client.getBuffer(KEY);
    const at = Array.from({ length: 2 }, (_, i) => 32 + 56 * i).find(
      (start) => value?.readDoubleLE(start) === 5,
    );
    return [2, 3, 4, 5, 6].map((field) => value?.readDoubleLE((at ?? 0) + 8 * field));
  };

  it('lends nothing, renews no term, and notes what a holder used and returned', async () => {
    await lease(1, { want: 9 });
    const [, , , , takenBackAtUs] = await account();
    expect((await leave()).slice(0, 2)).toEqual([LENT, 7]);
    await expect(lease(2, { used: 2, returned: 1, want: 5 })).rejects.toThrow('BUCKETMOVING move 7');
    expect(await account()).toEqual([1, 9, 2, 1, takenBackAtUs]);
    await expect(lease(2, { used: 3, returned: 1, want: 5 })).rejects.toThrow('BUCKETMOVING move 7');
    expect(await account()).toEqual([1, 9, 3, 1, takenBackAtUs]);
    expect((await leave()).slice(0, 2)).toEqual([LENT, 7]);
    const [state, granted] = await lease(3, { used: 3, returned: 6 });
    expect([state, granted]).toEqual([1, 9]);
    const [status, , , levelQuanta = 0] = await leave();
    expect(status).toBe(DONE);
    expect(Math.floor(levelQuanta / policy.quantaPerToken)).toBe(17);
  });

  it('leaves a mark for as long as a larger policy would need to fill it', async () => {
    await lease(1, { want: 20 }, 1);
    await leave(parsePolicy('2:20/h'), 60_000);
    expect(await server.client.pttl(KEY)).toBeGreaterThan(HOUR_MS / 2);
  });
});
