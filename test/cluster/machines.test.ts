import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { CliRun } from '../support/cli.ts';
import { startDelays } from '../support/machines/delays.ts';
import { canMakeMachines, type Machine, makeMachines } from '../support/machines/machines.ts';
import { enterWords, holderCommand } from '../support/machines/namespaces.ts';
import { isRunning } from '../support/processes.ts';
import { waitUntil } from '../support/tcp-peer.ts';

/** Starts each command that it reads, as a test does. */
const MAKER = `
  const { spawn } = require('node:child_process');
  process.stdin.on('data', (line) => {
    const [command, ...args] = JSON.parse(line);
    spawn(command, args, { stdio: ['pipe', 'inherit', 'inherit'] });
  });`;

/** Answers each byte with its monotonic clock. */
const SERVER = `
  const answer = (socket) => socket.on('data', () => socket.write(process.hrtime.bigint() + '\\n')).on('error', () => {});
  require('node:net').createServer(answer).listen(7000, process.argv[1], () => console.log('ready'));`;

/** Asks that 20 times, one after the other, and prints its own clock before, the answer, its own clock after. */
const CLIENT = `
  const [host, port] = process.argv.slice(1);
  const socket = require('node:net').connect({ host, port, noDelay: true });
  let sentNs, left = 20;
  const ask = () => { sentNs = process.hrtime.bigint(); socket.write('?'); };
  socket.on('connect', ask).on('data', (answer) => {
    console.log([sentNs, String(answer).trim(), process.hrtime.bigint()].join(' '));
    if (--left > 0) ask(); else socket.end();
  });`;

/** Prints its monotonic clock in nanoseconds for each line that it reads. */
const CLOCK = `process.stdin.on('data', () => console.log(String(process.hrtime.bigint()))); console.log('ready')`;

interface Reading {
  readonly beforeNs: bigint;
  readonly clockNs: bigint;
  readonly afterNs: bigint;
}

async function clockOf({ start }: Machine): Promise<() => Promise<Reading>> {
  const { child, output } = start(process.execPath, ['-e', CLOCK]);
  await saysMore({ output }, '');
  return async () => {
    const said = output.stdout;
    const beforeNs = process.hrtime.bigint();
    child.stdin?.write('\n');
    await saysMore({ output }, said);
    return { beforeNs, clockNs: BigInt(output.stdout.slice(said.length)), afterNs: process.hrtime.bigint() };
  };
}

const saysMore = ({ output }: Pick<CliRun, 'output'>, than: string) =>
  waitUntil(() => output.isWhole || (output.stdout.length > than.length && output.stdout.endsWith('\n')));

/** A reading that is narrower than all that is looked for. */
async function narrow(read: () => Promise<Reading>): Promise<Reading> {
  const isNarrow = ({ beforeNs, afterNs }: Reading) => afterNs - beforeNs < 20_000_000n;
  return vi.waitFor(
    async () => {
      const reading = await read();
      if (!isNarrow(reading)) throw new Error(`it took ${reading.afterNs - reading.beforeNs} ns`);
      return reading;
    },
    { timeout: 30_000, interval: 1 },
  );
}

function expectTrue({ clock }: Machine, { beforeNs, clockNs, afterNs }: Reading): void {
  expect(clockNs).toBeGreaterThanOrEqual(clock.atNs(beforeNs));
  expect(clockNs).toBeLessThanOrEqual(clock.atNs(afterNs));
}

async function threeMachines() {
  const machines = await makeMachines({
    us: { aheadS: 0, driftPpm: 0 },
    eu: { aheadS: 5_000, driftPpm: 400 },
    ap: { aheadS: 90, driftPpm: -300 },
  });
  onTestFinished(machines.stop);
  return machines;
}

async function timeNamespaceOf({ start }: Machine): Promise<string> {
  const { ended, output } = start('readlink', ['/proc/self/ns/time']);
  await ended;
  return output.stdout.trim();
}

const ms = (ns: bigint) => Number(ns) / 1e6;
const least = (values: readonly number[]) => Math.min(...values);

describe.skipIf(!canMakeMachines())('machines of a test', () => {
  it('have a monotonic clock each, with an offset, a drift and a jump', async () => {
    const { of } = await threeMachines();
    const ids = await Promise.all(Object.values(of).map(timeNamespaceOf));
    expect(new Set([...ids, readlinkSync('/proc/self/ns/time')]).size).toBe(4);
    for (const machine of Object.values(of)) expectTrue(machine, await narrow(await clockOf(machine)));
    const [first, second] = [await clockOf(of.eu), await clockOf(of.eu)];
    const before = await narrow(first);
    const aheadNs = before.clockNs - before.afterNs;
    expect(aheadNs).toBeGreaterThan(5_000_350_000_000n); // 400 ppm for 1,000 s
    of.eu.clock.jump(200);
    for (const read of [first, second]) {
      const after = await narrow(read);
      expectTrue(of.eu, after);
      expect(after.clockNs - after.afterNs - aheadNs).toBeGreaterThan(150_000_000n);
    }
  });

  it('reach each other at once, and behind a delay as late as it says in each direction', async () => {
    const { hub, of } = await threeMachines();
    const server = of.us.start(process.execPath, ['-e', SERVER, of.us.host]);
    await saysMore(server, '');
    const upstream = `${of.us.host}:7000`;
    await startDelays(hub, [{ name: 'clock', port: 7_001, upstream, thereMs: 60, backMs: 20 }]);
    const ways = async (host: string, port: number) => {
      const { ended, output } = of.eu.start(process.execPath, ['-e', CLIENT, host, String(port)]);
      expect(await ended, output.stderr).toBe(0);
      const trips = output.stdout.trim().split('\n').map(tripIn);
      return {
        thereMs: least(trips.map((trip) => trip.thereMs)),
        backMs: least(trips.map((trip) => trip.backMs)),
      };
    };
    /** On the test's clock, which the hub and `us` have, too. */
    const tripIn = (line: string) => {
      const [sentNs = 0n, serverNs = 0n, receivedNs = 0n] = line.split(' ').map(BigInt);
      return {
        thereMs: ms(serverNs - of.eu.clock.testNs(sentNs)),
        backMs: ms(of.eu.clock.testNs(receivedNs) - serverNs),
      };
    };
    const direct = await ways(of.us.host, 7_000);
    expect(direct.thereMs).toBeLessThan(20);
    expect(direct.backMs).toBeLessThan(20);
    const delayed = await ways(hub.host, 7_001);
    expect(delayed.thereMs).toBeGreaterThanOrEqual(60);
    expect(delayed.thereMs).toBeLessThan(80);
    expect(delayed.backMs).toBeGreaterThanOrEqual(20);
    expect(delayed.backMs).toBeLessThan(40);
  });

  it('are gone with all that runs there once the program that made them is, however it ended', async () => {
    const maker = spawn(process.execPath, ['-e', MAKER], { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void maker.kill('SIGKILL'));
    const pidOf = async (command: readonly string[]) => {
      maker.stdin.write(`${JSON.stringify(command)}\n`);
      const [said] = await once(maker.stdout, 'data');
      return Number(said);
    };
    const holder = await pidOf(holderCommand(['--map-root-user', '--net']));
    const program = await pidOf([...enterWords(holder), 'sh', '-c', 'echo $$; exec sleep 600']);
    const running = () => [holder, program].filter(isRunning);
    expect(running()).toEqual([holder, program]);
    maker.kill('SIGKILL');
    await waitUntil(() => running().length === 0);
  });
});
