import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OpenclawError } from '../../src/core/errors.ts';
import { parsePolicies } from '../../src/core/policies.ts';
import type { Surroundings } from '../../src/core/time.ts';
import { openLimiter } from '../../src/limiter/create.ts';
import { openPlugin } from '../../src/limiter/plugin/open.ts';
import type { AckedPort, TextPort } from '../../src/limiter/redis/port.ts';
import { ProcessTime, VirtualTime } from '../../src/simulation/virtual-time.ts';
import { testFolder } from '../support/cli.ts';

const LIMITER = join(import.meta.dirname, '../../src/limiter');
const ada = { user: 'ada', endpoint: 'e' };
const redis = { urls: ['redis://127.0.0.1:1'] };

/** What a strategy would take from its process by itself. */
const OWN =
  /\bset(Timeout|Interval|Immediate)\b|\bclear(Timeout|Interval)\b|\bperformance\.|\bDate\.now\b|\bnew Date\(\)|\bhrtime\b|node:(timers|crypto|perf_hooks)|\brandom(Int|Bytes|UUID)\b|\bcrypto\.|\bMath\.random\b/;

it('the code of every strategy takes time and random numbers from outside only', () => {
  const folders = ['strategies', 'wrappers', 'options', 'rehome', 'homes', 'plugin'].flatMap((folder) =>
    readdirSync(join(LIMITER, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => join(folder, file)),
  );
  expect(folders.length).toBeGreaterThan(40);
  const files = [...folders, 'redis/ack-lanes.ts', 'create.ts'];
  const texts = files.map((file) => ({ file, lines: readFileSync(join(LIMITER, file), 'utf8').split('\n') }));
  const wrong = texts.flatMap(({ file, lines }) =>
    lines
      .filter((line) => OWN.test(line.replace(/\/\*.*|^\s*\*.*|\/\/.*|'use crypto[^']*'/, '')))
      .map((line) => `${file}: ${line.trim()}`),
  );
  expect(wrong).toEqual([]);
});

interface Call {
  readonly script: string;
  readonly args: readonly string[];
  readonly atUs: number;
}

/** A process in virtual time, and a Redis that replies after a millisecond with what `reply` says, or not at all. */
function process(reply: (script: string) => readonly number[] | 'down' | undefined) {
  const time = new VirtualTime();
  const calls: Call[] = [];
  const run: TextPort['run'] = ({ name }, _keys, args) =>
    new Promise((resolve, reject) => {
      calls.push({ script: name, args, atUs: time.nowUs });
      const values = reply(name);
      if (values === 'down') reject(new OpenclawError('REDIS_CLUSTER_DOWN', 'down'));
      if (values === undefined || values === 'down') return;
      time.after(1_000, () => {
        time.wake();
        resolve({ values, node: 'n' });
      });
    });
  const port = {
    ...{ run, ready: async () => {}, close: async () => {} },
    runText: run,
    runAcked: async (...call) => ({ ...(await run(...call)), acked: async () => {} }),
  } satisfies TextPort & AckedPort;
  let drawn = 0;
  const surroundings: Surroundings = {
    time: new ProcessTime(time),
    randomUpTo: () => ++drawn,
    randomId: () => `id-${++drawn}`,
  };
  const connect = { plain: () => port, acked: () => port };
  return { time, calls, outside: { surroundings, connect } };
}

/** Waits five milliseconds, and sends times and a random number to its script. */
const PLUGIN = `
  export const simulated = true;
  export const createLimiter = ({ scripts, time, randomUpTo }) => ({
    async take() {
      await new Promise((resolve) => time.after(5, resolve));
      const args = [time.nowUs() / 1_000, time.dateMs(), randomUpTo(9)];
      const { values } = await scripts.run('return { 3, 9 }', ['k'], args);
      return { allowed: true, remaining: values[0] };
    },
  });
`;

/** The result of a call, and when it came. */
async function ended<T>(time: VirtualTime, call: Promise<T>, withinUs = 5_000_000) {
  let result: { readonly value: T | Error; readonly atUs: number } | undefined;
  call.then(
    (value) => {
      result = { value, atUs: time.nowUs };
    },
    (value: Error) => {
      result = { value, atUs: time.nowUs };
    },
  );
  time.wake();
  await time.runUntil(time.nowUs + withinUs);
  return result;
}

describe('a limiter in virtual time', () => {
  it('sends the takes of one instant together', async () => {
    const { time, calls, outside } = process(() => [7, 1, 3, 0, 0, 1, 2, 0, 0]);
    const limiter = openLimiter({ policy: '20:5/s', redis, batch: true }, outside);
    const takes = [limiter.take(ada), limiter.take(ada)];
    expect(await ended(time, Promise.all(takes))).toMatchObject({ atUs: 1_000 });
    expect(calls).toEqual([{ script: 'take-each', args: expect.anything(), atUs: 0 }]);
  });

  it('answers locally while the last denial proves it, by the virtual clock', async () => {
    const { time, calls, outside } = process(() => [0, 0, 1_000_000, 7, 0]);
    const limiter = openLimiter({ policy: '20:1/s', redis, localAnswers: { forMs: 500 } }, outside);
    await ended(time, limiter.take(ada), 400_000);
    expect(await ended(time, limiter.take(ada), 99_000)).toMatchObject({ atUs: 400_000 });
    await ended(time, limiter.take(ada), 1_000);
    await ended(time, limiter.take(ada), 10_000);
    expect(calls.map(({ atUs }) => atUs)).toEqual([0, 500_000]);
  });

  it('refills the share of a failure policy by the virtual clock', async () => {
    const { time, outside } = process(() => 'down');
    const limiter = openLimiter({ policy: '2:1/s', redis, onFailure: { localShare: 2 } }, outside);
    const allowed = async () => {
      const { value } = (await ended(time, limiter.take(ada), 500_000)) ?? {};
      return value !== undefined && 'allowed' in value && value.allowed;
    };
    // A token at once, and one every two seconds.
    expect([await allowed(), await allowed(), await allowed(), await allowed()]).toEqual([
      ...[true, false, false, false],
    ]);
    expect([await allowed(), await allowed()]).toEqual([true, false]);
  });

  it('draws its ids and its holder from outside, and reads the date there', async () => {
    const reserving = process(() => [1, 0, 0, 7, 0, 0, 1, 0, 0]);
    const central = openLimiter({ policy: '20:5/s', redis }, reserving.outside);
    const shadow = openLimiter({ policy: '20:5/s', redis, shadow: true }, reserving.outside);
    await ended(reserving.time, central.reserve(ada));
    await ended(reserving.time, shadow.reserve(ada));
    expect(reserving.calls.map(({ args: [number] }) => number)).toEqual(['4294967298', '17179869189']);

    const lending = process(() => [0, 5, 0, 1, 7]);
    const lease = openLimiter({ policy: '20:5/s', redis, strategy: 'lease', replicas: 1 }, lending.outside);
    await ended(lending.time, lease.take(ada), 10_000);
    expect(lending.calls[0]?.args[1]).toMatch(/^1 1 1 /);

    const dated = process(() => [1, 0]);
    const article = openLimiter({ policy: '20:5/s', redis, strategy: 'article' }, dated.outside);
    await dated.time.runUntil(3_000_000);
    await ended(dated.time, article.take(ada));
    expect(dated.calls[0]?.args[2]).toBe(String(Date.UTC(2026, 0, 1) / 1_000 + 3));
  });

  it('gives a plug-in scripts, time and random numbers from outside, and the date of its service', async () => {
    const { time, calls, outside } = process(() => [3, 9]);
    const file = join(testFolder(), 'mine.mjs');
    writeFileSync(file, PLUGIN);
    const service = { region: 'eu-west', prefix: 'run-1', nowMs: () => 77 };
    const policies = parsePolicies('20:5/s');
    const limiter = await openPlugin(file, { policies, redis, ...service }, outside);
    const { value, atUs } = (await ended(time, limiter.take(ada))) ?? {};
    expect(calls).toEqual([{ script: 'plugin:mine.mjs', args: ['5', '77', '1'], atUs: 5_000 }]);
    expect(value).toMatchObject({ allowed: true, remainingTokens: 3 });
    expect(atUs).toBe(6_000);
  });

  it('exchanges spends with other regions in virtual time, and stops', async () => {
    const { time, calls, outside } = process(() => []); // a read without entries is a round that failed
    const region = { name: 'a', others: { b: { urls: ['redis://127.0.0.1:2'] } }, everyMs: 48 };
    const limiter = openLimiter({ policy: '20:5/s', redis, strategy: 'active-active', region }, outside);
    await time.runUntil(120_000);
    void limiter.close();
    time.wake();
    await time.runUntil(1_000_000);
    const reads = calls.filter(({ script }) => script === 'active-read');
    expect(reads.map(({ atUs }) => atUs)).toEqual([1_000, 51_000, 101_000]);
  });
});
