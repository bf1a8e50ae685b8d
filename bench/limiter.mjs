// Compares the cost of a decision of this library and of others, in alternating rounds on one separate server:
//   npm run bench:limiter [-- --server valkey-server --rounds 7 --ms 250 --only <part of a name>]
//
// Every case takes from 1,000 buckets in turn, and all admit. There are three modes: one request after another, 100 in
// flight, and 100 sent at once and awaited together (a pipeline if the client has one). Server time is that of INFO
// commandstats for the commands of clients, divided by decisions. At the end come decisions of leases in memory.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import redisGcra from 'redis-gcra';
import { createLimiter } from '../dist/index.js';
import { connectIoredis } from '../dist/limiter/redis/ioredis/open.js';
import { startCluster } from './limiter/cluster.mjs';
import { LEASE_TARGETS, measureLeases } from './limiter/lease.mjs';

const { values: flags } = parseArgs({
  options: {
    server: { type: 'string', default: 'redis-server' },
    rounds: { type: 'string', default: '7' },
    ms: { type: 'string', default: '250' },
    only: { type: 'string', default: '' },
  },
});
const MS = Number(flags.ms);
const IN_FLIGHT = 100;
const BUCKETS = 1_000;
const POLICY = '1000:1000/s';
const ONE_TOKEN = [1_000_000, 1, 1_000]; // POLICY in quanta: capacity, refill, one token
const CONNECT_MS = 10_000;
const LEASES = 'leases, in memory';
const RATE = { way: 'in flight', what: 'perSecond', says: 'decisions/s, 100 in flight' };
const SERVER = { way: 'pipelined', what: 'serverUs', says: "server's microseconds" };
const TARGETS = [
  { of: ['central', 'no-op EVALSHA'], ...RATE, least: 0.95 },
  { of: ['central', 'rate-limiter-flexible'], ...RATE, least: 1.3 },
  { of: ['central', 'hash'], ...SERVER, most: 0.92 },
  { of: ['central, batched', 'hash'], ...SERVER, most: 0.6 },
  { of: ['central, two policies', 'central'], ...SERVER, most: 1.6 },
  { of: ['central, with homes', 'central, in a cluster'], ...SERVER, most: 1.05 },
];

const port = await freePort();
const server = spawn(
  flags.server,
  ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
  { stdio: 'ignore' },
);
const watch = new Redis({ port, maxRetriesPerRequest: null });
watch.on('error', () => {});
const closers = [];
let turn = 0;
let ids = 0;
try {
  await withDeadline(watch.ping(), CONNECT_MS, `${flags.server} does not answer on port ${port}`);
  await main();
} finally {
  for (const close of closers) close();
  watch.disconnect();
  server.kill();
}

async function main() {
  const cluster = await startCluster(flags.server, await freePort());
  closers.push(cluster.stop);
  const all = [...(await plainScripts()), ...libraries(), ...clustered(cluster)];
  const cases = all.filter(({ name }) => name.includes(flags.only));
  const waysOf = { sequential, 'in flight': inFlight, pipelined };
  const seen = new Map(cases.map(({ name }) => [name, { sequential: [], 'in flight': [], pipelined: [] }]));
  for (const one of cases) await inFlight(one, MS);
  for (let round = 0; round < Number(flags.rounds); round++)
    for (const [way, run] of Object.entries(waysOf))
      for (const one of rotated(cases, round)) seen.get(one.name)[way].push(await measure(one, run));
  if (cases.length > 0) report(cases, seen);
  if (LEASES.includes(flags.only))
    reportLeases(await measureLeases(port, { rounds: Number(flags.rounds), ms: MS }));
}

/** Scripts and commands as ioredis sends them, with nothing around. */
async function plainScripts() {
  const redis = open();
  const plain = (name, send) => ({
    name,
    ask: (key) => send(redis, key),
    pipeline: async (keys) => {
      const pipeline = redis.pipeline();
      for (const key of keys) send(pipeline, key);
      await pipeline.exec();
    },
  });
  const script = async (name, source) => {
    const sha = await watch.script('LOAD', source);
    return plain(name, (to, key) => to.evalsha(sha, 1, `${name}:${key}`, ...ONE_TOKEN));
  };
  const library = `#!lua name=bench\nredis.register_function('take', function(KEYS, ARGV)\n${read('hash').replace('#!lua', '')}\nend)`;
  await watch.function('LOAD', library);
  return [
    await script('no-op EVALSHA', '#!lua\nreturn 1'),
    samePort(),
    plain('GET', (to, key) => to.get(`get:${key}`)),
    await script('hash', read('hash')),
    plain('hash by FCALL', (to, key) => to.fcall('take', 1, `fcall:${key}`, ...ONE_TOKEN)),
    await script('packed text', read('packed-text')),
    await script('packed binary', read('packed-binary')),
    await script('single value', read('full-at')),
  ];
}

/** What the limiter's own connection makes of a no-op: the rest of a decision is the script's and the answer's. */
function samePort() {
  const redis = connectIoredis({ urls: [`redis://127.0.0.1:${port}`] });
  closers.push(() => redis.close());
  const source = '#!lua\nreturn { 1 }';
  const script = { name: 'no-op', source, sha: createHash('sha1').update(source).digest('hex') };
  const args = ONE_TOKEN.map(String);
  return { name: "no-op by central's connection", ask: (key) => redis.run(script, [key], args) };
}

function libraries() {
  const flexible = new RateLimiterRedis({ storeClient: open(), points: 1e9, duration: 1 });
  const gcra = redisGcra({ redis: open(), keyPrefix: 'gcra:', burst: 1_000, rate: 1_000, period: 1_000 });
  return [
    central('central', { policy: POLICY }),
    central('central, two policies', { policies: { one: POLICY, two: '1000000:1000000/h' } }),
    central('central, decision id', { policy: POLICY }, () => ({ decisionId: `${ids++}` })),
    central('central, batched', { policy: POLICY, batch: true }),
    ...reservations(),
    { name: 'rate-limiter-flexible', ask: (key) => flexible.consume(key) },
    { name: 'redis-gcra', ask: (key) => gcra.limit({ key }) },
  ];
}

function clustered({ cases, watch: node }) {
  return Object.entries(cases).map(([name, more]) => ({
    ...central(name, { policy: POLICY, ...more }),
    node,
  }));
}

/** A reservation and its settlement are two calls, and count as one decision here. */
function reservations() {
  const subjectOf = (user) => ({ user, endpoint: 'bench' });
  const reserving = (name, options, then = () => undefined) => {
    const limiter = makeLimiter(name, { policy: POLICY });
    return { name, ask: async (user) => then(await limiter.reserve(subjectOf(user), options)) };
  };
  const extended = makeLimiter('extend', { policy: POLICY });
  const open = new Map();
  const extend = async (user) => {
    if (!open.has(user)) open.set(user, extended.reserve(subjectOf(user)));
    await (await open.get(user)).extend(1);
  };
  const settle = (reservation) => reservation.settle(1);
  return [
    reserving('reserve', { cost: 2 }),
    { name: 'extend', ask: extend },
    reserving('reserve and settle', { cost: 2 }, settle),
    reserving('reserve and settle, with expiry', { cost: 2, expiresMs: 60_000 }, settle),
  ];
}

function central(name, options, takeOptions = () => undefined) {
  const limiter = makeLimiter(name, options);
  return { name, ask: (user) => limiter.take({ user, endpoint: 'bench' }, takeOptions()) };
}

function makeLimiter(name, options) {
  const limiter = createLimiter({
    redis: { urls: [`redis://127.0.0.1:${port}`] },
    ...options,
    prefix: name.replaceAll(/\W/g, ''),
    decisionMemoryMs: 5_000,
    reservationMemoryMs: 5_000,
  });
  closers.push(() => limiter.close());
  return limiter;
}

async function measure(one, run) {
  const { node = watch } = one;
  await node.config('RESETSTAT');
  const startedMs = performance.now();
  const decisions = await run(one, MS);
  const perSecond = (decisions * 1_000) / (performance.now() - startedMs);
  return { perSecond, serverUs: serverUs(await node.info('commandstats')) / decisions };
}

/** Of what clients sent: commands that scripts call are listed as well, and are inside their script's time. */
function serverUs(stats) {
  const usec = Object.fromEntries(
    [...stats.matchAll(/cmdstat_([^:]+):.*?usec=(\d+)/g)].map(([, name, us]) => [name, Number(us)]),
  );
  return (usec.evalsha ?? 0) + (usec.fcall ?? 0) || (usec.get ?? 0);
}

/** The buckets in turn. */
function nextKey() {
  turn = (turn + 1) % BUCKETS;
  return `u${turn}`;
}

async function sequential({ ask }, ms) {
  const endMs = performance.now() + ms;
  let decisions = 0;
  for (; performance.now() < endMs; decisions++) await ask(nextKey());
  return decisions;
}

async function inFlight(one, ms) {
  const each = await Promise.all(Array.from({ length: IN_FLIGHT }, () => sequential(one, ms)));
  return each.reduce((sum, count) => sum + count, 0);
}

async function pipelined({ ask, pipeline }, ms) {
  const endMs = performance.now() + ms;
  const together = pipeline ?? ((keys) => Promise.all(keys.map(ask)));
  let decisions = 0;
  for (; performance.now() < endMs; decisions += IN_FLIGHT)
    await together(Array.from({ length: IN_FLIGHT }, nextKey));
  return decisions;
}

/** Ratios are medians of the rounds' ratios: other work on the machine affects both sides of a round. */
function report(cases, seen) {
  const machine = `${flags.server}, Node ${process.version}, ${cpus().length} cores, load average ${loadavg()[0].toFixed(2)}`;
  say(`${machine}; ${flags.rounds} rounds of ${MS} ms\n`);
  say('| case | sequential /s | 100 in flight /s | pipelined /s | of no-op | server us | of hash |');
  say('| --- | --- | --- | --- | --- | --- | --- |');
  for (const { name } of cases) {
    const rates = Object.values(seen.get(name)).map((rounds) => Math.round(medianOf(rounds, 'perSecond')));
    const ofNoop = ratio(seen, [name, 'no-op EVALSHA'], RATE);
    const ofHash = ratio(seen, [name, 'hash'], SERVER);
    const serverUs = medianOf(seen.get(name)[SERVER.way], SERVER.what).toFixed(2);
    say(`| ${name} | ${rates.join(' | ')} | ${ofNoop} | ${serverUs} | ${ofHash} |`);
  }
  say('');
  for (const target of TARGETS) {
    const found = ratio(seen, target.of, target);
    if (found === '') continue;
    const isMet = target.least === undefined ? found <= target.most : found >= target.least;
    const wanted = target.least === undefined ? `at most ${target.most}` : `at least ${target.least}`;
    if (!isMet) process.exitCode = 1;
    say(`${target.of.join(' / ')}, ${target.says}: ${found} (${wanted}: ${isMet ? 'met' : 'MISSED'})`);
  }
}

function reportLeases(found) {
  say(`\n| ${LEASES} | decisions/s, or bytes |\n| --- | --- |`);
  for (const [what, value] of found) say(`| ${what} | ${Math.round(value)} |`);
  say('');
  for (const { what, least, most, unit } of LEASE_TARGETS) {
    const value = Math.round(found.get(what));
    const isMet = least === undefined ? value <= most : value >= least;
    const wanted = least === undefined ? `at most ${most}` : `at least ${least}`;
    if (!isMet) process.exitCode = 1;
    say(`${what}: ${value} ${unit} (${wanted}: ${isMet ? 'met' : 'MISSED'})`);
  }
}

function ratio(seen, [name, other], { way, what }) {
  const [rounds, others] = [seen.get(name)?.[way], seen.get(other)?.[way]];
  if (rounds === undefined || others === undefined) return '';
  return median(rounds.map((round, i) => round[what] / others[i][what])).toFixed(2);
}

function medianOf(rounds, what) {
  return median(rounds.map((round) => round[what]));
}

function rotated(all, by) {
  const at = by % all.length;
  return [...all.slice(at), ...all.slice(0, at)];
}

function open() {
  const redis = new Redis({ port });
  closers.push(() => redis.disconnect());
  return redis;
}

function read(name) {
  return readFileSync(new URL(`limiter/${name}.lua`, import.meta.url), 'utf8');
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function withDeadline(promise, ms, message) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms);
  });
  await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
