// What `up` costs its user: the whole command, three regions with one replica each, redis-server and
// valkey-server in turn; and how far each round trip is off.   npm run bench:up [-- rounds]
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROUNDS = Number(process.argv[2] ?? 5);
const TARGET_S = 3;
const TARGET_MS = 3;
const BIN = new URL('../bin/openclaw-rl', import.meta.url).pathname;
const SERVERS = ['redis-server', 'valkey-server'];

const state = mkdtempSync(join(tmpdir(), 'openclaw-rl-bench-up-'));
const env = { ...process.env, OPENCLAW_RL_STATE: state };
const seconds = new Map(SERVERS.map((server) => [server, []]));
const worst = new Map();
try {
  for (let round = 0; round < ROUNDS; round++) for (const server of SERVERS) await oneRound(server, round);
} finally {
  await run(['down', '--all']);
  rmSync(state, { recursive: true, force: true });
}
for (const [server, all] of seconds) {
  const sorted = all.toSorted((a, b) => a - b);
  say(
    `${server}: up in ${median(sorted).toFixed(2)} s (${sorted[0].toFixed(2)} to ${sorted.at(-1).toFixed(2)}; target under ${TARGET_S})`,
  );
}
for (const [pair, offMs] of worst)
  say(`${pair}: at most ${offMs.toFixed(1)} ms more than configured (target within ${TARGET_MS})`);

async function oneRound(server, round) {
  const startedMs = performance.now();
  const { stdout, stderr } = await run(['up', '--server', server, '--json']);
  const took = (performance.now() - startedMs) / 1_000;
  const inside = /is up after ([\d.]+) s/.exec(stderr)?.[1];
  const downMs = performance.now();
  await run(['down']);
  seconds.get(server).push(took);
  const trips = JSON.parse(stdout).links.map(({ from, to, measuredRoundTripMs, configuredRoundTripMs }) => {
    const [pair, offMs] = [`${from} -> ${to}`, measuredRoundTripMs - configuredRoundTripMs];
    worst.set(pair, Math.max(worst.get(pair) ?? 0, offMs));
    return offMs.toFixed(1);
  });
  say(
    `round ${round + 1} ${server}: up ${took.toFixed(2)} s (${inside} s inside), down ${((performance.now() - downMs) / 1_000).toFixed(2)} s; round trips off by ${trips.join(', ')} ms`,
  );
}

async function run(args) {
  return promisify(execFile)(BIN, args, { env });
}

function median(sorted) {
  return sorted[Math.floor(sorted.length / 2)];
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
