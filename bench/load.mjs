// Measures the throughput of the load and the sample system, 1,000 connections over three regions, and the cost of recording:
//   npm run bench:load [-- --rounds 5 --seconds 5 --only <part of a case's name> --before <dist of another version>]
//
// One cluster without round trips, one such with a bare prototype of both services (bench/load/prototype.mjs), and
// one with the default round trips, each with its gateways and Rating services, are up at the same time; each round measures every case once, so that other work on the machine meets all of them.
// The load runs in a process of its own. Processor time is what /proc says of every process that takes part. A
// run of all cases writes docs/results/load-bench.md; `--only processes` measures load processes (bench/load/processes.mjs)
// and writes their section of that page.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import autocannon from 'autocannon';
import { parsePolicy } from '../dist/core/policy.js';
import { makeRandom } from '../dist/core/prng.js';
import { Cleanup } from '../dist/experiment/cleanup.js';
import { HistoryFile } from '../dist/experiment/history-file.js';
import { startRegion } from '../dist/experiment/services.js';
import { planUsers } from '../dist/load/drawn-users.js';
import { Recorder } from '../dist/load/recorder.js';
import { runLoad } from '../dist/load/run-load.js';
import { sampleTarget } from '../dist/load/target.js';
import { makeUserDraw } from '../dist/load/users.js';
import { attach } from '../dist/regions/local/provider.js';
import { ClusterStore } from '../dist/regions/store/cluster-store.js';
import { measureProcesses, PROCESSES_TITLE } from './load/processes.mjs';
import { processorTimes } from './processor-times.mjs';

const REGIONS = ['us-east', 'eu-west', 'ap-south'];
const POLICY = '20:5/s';
const BIN = new URL('../bin/openclaw-rl', import.meta.url).pathname;
const PROTOTYPE = new URL('load/prototype.mjs', import.meta.url).pathname;
const NEAR = ['--round-trip', 'us-east:eu-west=0,eu-west:ap-south=0,us-east:ap-south=0'];
const CLUSTERS = {
  near: { flags: NEAR, services: BIN },
  prototype: { flags: NEAR, services: PROTOTYPE },
  far: { flags: [], services: BIN },
};
const CASES = [
  { name: 'gateways, no round trips', cluster: 'near', door: 'gateway', how: 'recorded', target: 7_500 },
  { name: 'the same, bare autocannon', cluster: 'near', door: 'gateway', how: 'bare' },
  {
    name: 'Rating services, no round trips',
    cluster: 'near',
    door: 'rating',
    how: 'recorded',
    target: 16_000,
  },
  { name: 'prototype gateways, bare autocannon', cluster: 'prototype', door: 'gateway', how: 'bare' },
  { name: 'prototype services, bare autocannon', cluster: 'prototype', door: 'rating', how: 'bare' },
  { name: 'gateways, default round trips', cluster: 'far', door: 'gateway', how: 'recorded', target: 11_500 },
];
const [GATEWAYS, BARE, SERVICES, BARE_GATEWAYS, BARE_SERVICES, FAR] = CASES.map(({ name }) => name);
const WARM_UP_MS = 3_000;
const REPORT = new URL('../docs/results/load-bench.md', import.meta.url);
const shape = {
  mode: 'closed',
  costs: [1],
  seed: 1,
  regions: REGIONS,
  connections: 1_000,
  users: 200,
  skew: 0.7,
  roaming: 0.2,
  rampMs: 0,
};

const loads = { recorded, bare };

/** The closed loop with its recorder, every record on disk and in memory, as in a run. */
async function recorded({ urls, durationMs, folder }) {
  const path = join(folder, `history-${process.pid}.ndjson`);
  const history = new HistoryFile(path, header(), () => {});
  const recorder = new Recorder((operation) => history.add(operation));
  const startedMs = performance.now();
  await runLoad({
    shape,
    users: planUsers(shape),
    targets: REGIONS.map((region, index) => sampleTarget(region, urls[index])),
    recorder,
    durationMs,
    drainMs: 3_000,
    signal: new AbortController().signal,
  });
  const seconds = (performance.now() - startedMs) / 1_000;
  await history.end({ type: 'end', atUs: Math.ceil(recorder.nowUs()), sent: recorder.sent });
  rmSync(path);
  const { allowed, denied, failed, info } = recorder.counts;
  return { answered: allowed + denied, others: failed + info, seconds };
}

/** Plain autocannon with the same requests, prepared in advance; it records only its own statistics. */
async function bare({ urls, durationMs }) {
  const planned = planUsers(shape);
  const draws = REGIONS.map((region) => makeUserDraw(planned, region));
  let connections = 0;
  const startedMs = performance.now();
  const result = await autocannon({
    url: urls.map((url) => `${url}/v1/ratings`),
    connections: shape.connections,
    duration: durationMs / 1_000,
    setupClient: (client) => {
      const process = connections++;
      const random = makeRandom(shape.seed, `connection ${process}`);
      client.setRequests(
        Array.from({ length: 100 }, () => ({
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'x-openclaw-user': draws[process % REGIONS.length](random, durationMs).name,
          },
          body: JSON.stringify({
            item: `item-${Math.floor(random() * 50)}`,
            score: 1 + Math.floor(random() * 5),
          }),
        })),
      );
    },
  });
  const seconds = (performance.now() - startedMs) / 1_000;
  const answered = result['2xx'] + result.statusCodeStats['429'].count;
  return { answered, others: result.requests.total - answered + result.errors, seconds };
}

function header() {
  return {
    type: 'header',
    format: 'openclaw-history',
    version: 1,
    policy: { capacity: 20, refill: parsePolicy(POLICY).refill },
    strategy: 'central',
    scenario: 'bench',
    seed: 1,
    regions: REGIONS,
    startedAt: '',
    initial: 'full',
  };
}

async function measure({ doors, folder, durationMs }, { cluster, door, how }) {
  const before = processorMs(folder);
  const task = { how, urls: doors[cluster][door], durationMs, folder };
  const { stdout } = await run(process.execPath, [process.argv[1], '--one', JSON.stringify(task)]);
  const { answered, others, seconds, loadMs } = JSON.parse(stdout);
  const after = processorMs(folder);
  const us = (ms) => (ms * 1_000) / answered;
  const cost = Object.fromEntries(Object.keys(after).map((role) => [role, us(after[role] - before[role])]));
  return { perS: answered / seconds, others, cost: { load: us(loadMs), ...cost } };
}

const ROLES = {
  gateway: /serve.gateway/,
  rating: /serve.rating/,
  toxiproxy: /regional-toxiproxy/,
  redis: /(redis|valkey)-server/,
};

/** Processor time so far by role, of all processes that have the folder in their environment. */
function processorMs(folder) {
  const sums = Object.fromEntries(Object.keys(ROLES).map((role) => [role, 0]));
  for (const { role, ms } of processorTimes(folder, ROLES)) sums[role] += ms;
  return sums;
}

async function bringUp(folder, cleanup) {
  const env = { ...process.env, OPENCLAW_RL_STATE: folder };
  const doors = {};
  for (const [name, { flags, services: program }] of Object.entries(CLUSTERS)) {
    cleanup.add(`end ${name}`, () => run(BIN, ['down', '--name', name], { env }));
    await run(BIN, ['up', '--name', name, ...flags], { env });
    const store = new ClusterStore(folder);
    const regions = attach(store, await store.read(name));
    const logs = join(folder, `logs-${name}`);
    mkdirSync(logs);
    const services = {
      self: [process.execPath, program],
      env,
      strategy: 'central',
      replicas: 1,
      onFailure: 'closed',
      policy: POLICY,
      logs,
      cleanup,
    };
    const signal = new AbortController().signal;
    const onDeath = (how) => process.stderr.write(`${how}\n`);
    const start = (region) =>
      startRegion({ ...services, others: {}, view: regions.view(region), prefix: 'bench', signal, onDeath });
    const started = await Promise.all(REGIONS.map(start));
    doors[name] = {
      gateway: started.map(({ gateway }) => gateway),
      rating: started.map(({ rating }) => rating),
    };
  }
  return doors;
}

const run = promisify(execFile);

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2;
}

/** The median of what a case measured. */
function medianOf(results, name, of) {
  return median(results.filter((result) => result.name === name).map(of));
}

/** The ratio of requests per second of two cases in the same round. */
function ratioOf(results, name, over) {
  const speeds = (wanted) => results.filter((result) => result.name === wanted).map(({ perS }) => perS);
  const others = speeds(over);
  return median(speeds(name).map((perS, round) => perS / others[round]));
}

/** Processor time of one request, all processes together. */
function totalUs({ cost }) {
  return Object.values(cost).reduce((sum, us) => sum + us, 0);
}

function report(results, { rounds, seconds, loads }) {
  const roles = ['load', ...Object.keys(ROLES)];
  const rows = CASES.map(({ name, target }) => {
    const perS = medianOf(results, name, (result) => result.perS);
    const all = results.filter((result) => result.name === name).map((result) => result.perS);
    const costs = roles.map((role) => medianOf(results, name, ({ cost }) => cost[role]).toFixed(0));
    const sum = medianOf(results, name, totalUs);
    const range = `${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)}`;
    const share = target === undefined ? '' : `${((100 * perS) / target).toFixed(0)}% of ${target}`;
    const others = results.filter((result) => result.name === name).reduce((sum, one) => sum + one.others, 0);
    return `| ${[name, perS.toFixed(0), range, share, others, ...costs, sum.toFixed(0), (2e6 / sum).toFixed(0)].join(' | ')} |`;
  });
  const sumOf = (name) => medianOf(results, name, totalUs);
  const recording = 1 - ratioOf(results, GATEWAYS, BARE);
  return [
    '# What the load and the sample system can do',
    '',
    `Written by \`npm run bench:load\`, ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} cores`,
    `shared with other work (load average ${loads[0]} before, ${loads[1]} after, ours included). ${rounds} rounds of`,
    `${seconds} s a case, alternating, after a warm-up; medians. 1,000 connections over three regions, policy ${POLICY}, 200 users.`,
    '*Others* were neither allowed nor denied. Then processor time by process, microseconds a request, the start of the',
    'load process included; *two cores* is what that sum would allow if two cores did nothing else.',
    '',
    `| case | requests/s | from, to | of the target | others | ${roles.join(' | ')} | sum | two cores |`,
    `| --- ${'| --- '.repeat(roles.length + 6)}|`,
    ...rows,
    '',
    `- Recording costs ${(100 * recording).toFixed(0)}% of bare autocannon's requests a second (median of the rounds' ratios; target at most 15%),`,
    `  by processor time ${(100 * (1 - sumOf(BARE) / sumOf(GATEWAYS))).toFixed(0)}%. Below 0 is noise, or a client that costs less than autocannon's own.`,
    `- A bare prototype of both services and bare autocannon, in the same rounds: of its requests a second ours does ${(100 * ratioOf(results, GATEWAYS, BARE_GATEWAYS)).toFixed(0)}%`,
    `  through gateways and ${(100 * ratioOf(results, SERVICES, BARE_SERVICES)).toFixed(0)}% without, recorded. The targets are what was asked of a machine on which such a prototype did 9,000 and`,
    '  20,000: 83% and 80% of it.',
    `- With the default round trips ${(100 * ratioOf(results, FAR, GATEWAYS)).toFixed(0)}% of the requests a second without (1,000 users over a mean of 87 ms can do 11,500).`,
    '- Why the services are built so: [decision 23](../decisions/0023-sample-services.md).',
    '',
  ].join('\n');
}

/** Runs `--one`: a single load in this process. */
async function runOne(task) {
  const startCpu = process.cpuUsage();
  const result = await loads[task.how](task);
  const { user, system } = process.cpuUsage(startCpu);
  process.stdout.write(JSON.stringify({ ...result, loadMs: (user + system) / 1_000 }));
}

async function runAll({ rounds, seconds, only, before: other }) {
  if (only === 'processes') {
    const [page] = readFileSync(REPORT, 'utf8').split(`${PROCESSES_TITLE}\n`);
    return publish(
      [page.trimEnd(), '', ...(await measureProcesses({ rounds, seconds, before: other }))].join('\n'),
    );
  }
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-bench-load-'));
  const cleanup = new Cleanup();
  const results = [];
  const before = loadavg()[0];
  try {
    const doors = await bringUp(folder, cleanup);
    const cases = CASES.filter(({ name }) => name.includes(only));
    for (const one of cases) await measure({ doors, folder, durationMs: WARM_UP_MS }, one);
    for (let round = 0; round < rounds; round++) {
      for (const one of cases) {
        const result = await measure({ doors, folder, durationMs: seconds * 1_000 }, one);
        results.push({ name: one.name, ...result });
        const costs = Object.entries(result.cost).map(([role, us]) => `${role} ${us.toFixed(0)}`);
        const figures = `${result.perS.toFixed(0)}/s, ${result.others} others; us a request: ${costs.join(', ')}`;
        process.stderr.write(`${round + 1} ${one.name}: ${figures} (load average ${loadavg()[0]})\n`);
      }
    }
  } finally {
    for (const sentence of await cleanup.run()) process.stderr.write(`not undone: ${sentence}\n`);
    rmSync(folder, { recursive: true, force: true });
  }
  if (only !== '') return;
  const text = report(results, { rounds, seconds, loads: [before, loadavg()[0]] });
  publish([text, ...(await measureProcesses({ rounds, seconds, before: other }))].join('\n'));
}

function publish(text) {
  process.stdout.write(text);
  writeFileSync(REPORT, text);
}

const { values } = parseArgs({
  options: {
    one: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    before: { type: 'string' },
  },
});
if (values.one !== undefined) await runOne(JSON.parse(values.one));
else await runAll({ ...values, rounds: Number(values.rounds), seconds: Number(values.seconds) });
