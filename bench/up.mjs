// Measures `up`: the time of the whole command, three regions with one replica each, redis-server and valkey-server in
// turn; and how far each round trip is above its plan, within a region and between two. Targets are for medians, since
// the machine has other work. Exit code 1 if one is missed.   npm run bench:up [-- rounds]
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { measureRoundTrip } from '../dist/regions/cluster/status.js';

const ROUNDS = Number(process.argv[2] ?? 5);
const TARGET_S = 3;
const TARGET_OVER_MS = { least: 0.1, most: 2 };
const BIN = new URL('../bin/openclaw-rl', import.meta.url).pathname;
const SERVERS = ['redis-server', 'valkey-server'];

const state = mkdtempSync(join(tmpdir(), 'openclaw-rl-bench-up-'));
const env = { ...process.env, OPENCLAW_RL_STATE: state };
const seconds = new Map(SERVERS.map((server) => [server, []]));
const oversMs = new Map();
try {
  for (let round = 0; round < ROUNDS; round++) for (const server of SERVERS) await oneRound(server, round);
} finally {
  await run(['down', '--all', '--yes']);
  rmSync(state, { recursive: true, force: true });
}
for (const [server, all] of seconds) {
  const [least, middle, most] = spread(all, 2);
  report(
    median(all) < TARGET_S,
    `${server}: up in ${middle} s (${least} to ${most}; target under ${TARGET_S})`,
  );
}
for (const [pair, all] of oversMs) {
  const [least, middle, most] = spread(all, 1);
  report(
    median(all) >= TARGET_OVER_MS.least && median(all) <= TARGET_OVER_MS.most,
    `${pair}: PING ${middle} ms over its plan (${least} to ${most}; target ${TARGET_OVER_MS.least} to ${TARGET_OVER_MS.most})`,
  );
}

async function oneRound(server, round) {
  const startedMs = performance.now();
  const { stdout, stderr } = await run(['up', '--server', server, '--json']);
  const took = (performance.now() - startedMs) / 1_000;
  const inside = /is up after ([\d.]+) s/.exec(stderr)?.[1];
  const { nodes, links } = JSON.parse(stdout);
  const trips = [...(await pingWithin(nodes)), ...links.map(overOfLink)];
  const downMs = performance.now();
  await run(['down']);
  seconds.get(server).push(took);
  for (const { pair, overMs } of trips) oversMs.set(pair, [...(oversMs.get(pair) ?? []), overMs]);
  say(
    `round ${round + 1} ${server}: up ${took.toFixed(2)} s (${inside} s inside), down ${((performance.now() - downMs) / 1_000).toFixed(2)} s; PING over plan by ${trips.map(({ overMs }) => overMs.toFixed(1)).join(', ')} ms`,
  );
}

/** From a client of each region to its first node: the planned round trip is 0. */
async function pingWithin(nodes) {
  const firstOfRegion = nodes.filter(({ name, region }) => name === `${region}-0`);
  return Promise.all(
    firstOfRegion.map(async ({ region, address }) => {
      const [host, port] = address.split(':');
      const client = host.replace(/\d+$/, '200');
      const overMs = await measureRoundTrip({ host, port: Number(port) }, client);
      return { pair: `within ${region}`, overMs };
    }),
  );
}

function overOfLink({ from, to, measuredRoundTripMs, configuredRoundTripMs }) {
  return { pair: `${from} -> ${to}`, overMs: measuredRoundTripMs - configuredRoundTripMs };
}

async function run(args) {
  return promisify(execFile)(BIN, args, { env });
}

/** Least, median and most. */
function spread(values, digits) {
  return [Math.min(...values), median(values), Math.max(...values)].map((value) => value.toFixed(digits));
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function report(isMet, line) {
  say(isMet ? line : `${line}: MISSED`);
  if (!isMet) process.exitCode = 1;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
