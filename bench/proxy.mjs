// Measures the cost of a proxy: redis-benchmark directly to Redis, through the embedded Toxiproxy, and through
// toxiproxy-server if it is on PATH, in alternating rounds. Exit code 1 if the embedded one misses a target.
//   npm run bench:proxy [-- rounds]
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { promisify } from 'node:util';

const ROUNDS = Number(process.argv[2] ?? 5);
const BIN = new URL('../bin/openclaw-rl', import.meta.url).pathname;
const TICKS_PER_SECOND = 100; // of /proc/<pid>/stat, on every Linux Node runs on

const EMBEDDED = 'embedded';
const CASES = [
  { name: '50 clients', clients: 50, pipeline: 1, requests: 60_000, target: 0.38 },
  { name: '50 clients, -P 16', clients: 50, pipeline: 16, requests: 600_000, target: 0.35 },
];
const DELAYED = {
  name: '1,000 clients, 2 x 40 ms',
  clients: 1_000,
  pipeline: 1,
  requests: 60_000,
  target: 11_000,
};

const children = [];
try {
  await main();
} finally {
  for (const child of children) child.kill();
}

async function main() {
  const redisPort = await freePort();
  start('redis-server', ['--port', redisPort, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']);
  await untilListening(redisPort);
  const proxies = [await startEmbedded(redisPort), await startReal(redisPort)].filter(Boolean);

  for (const { name, target, ...load } of CASES) {
    const rates = new Map(['direct', ...proxies.map((proxy) => proxy.name)].map((key) => [key, []]));
    const costs = new Map(proxies.map((proxy) => [proxy.name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      rates.get('direct').push((await benchmark(redisPort, load)).rate);
      for (const proxy of proxies) {
        const before = cpuSeconds(proxy.pid);
        rates.get(proxy.name).push((await benchmark(proxy.port, load)).rate);
        costs.get(proxy.name).push(((cpuSeconds(proxy.pid) - before) / load.requests) * 1e6);
      }
    }
    const direct = median(rates.get('direct'));
    say(`${name}: direct ${Math.round(direct)} requests/s`);
    for (const proxy of proxies) {
      const ratio = median(rates.get(proxy.name)) / direct;
      const cost = median(costs.get(proxy.name)).toFixed(1);
      report(
        proxy,
        ratio >= target,
        `${Math.round(ratio * direct)} requests/s, ${ratio.toFixed(2)} of direct (target ${target}), ${cost} us of its CPU a request`,
      );
    }
  }
  await benchDelayed(proxies);
}

async function benchDelayed(proxies) {
  const { name, target, ...load } = DELAYED;
  say(`${name}: at most ${Math.round(load.clients / 0.08)} requests/s are possible`);
  for (const proxy of proxies) {
    for (const stream of ['upstream', 'downstream']) {
      await post(proxy.api, '/proxies/redis/toxics', {
        type: 'latency',
        stream,
        attributes: { latency: 40 },
      });
    }
    const results = [];
    for (let round = 0; round < ROUNDS; round++) results.push(await benchmark(proxy.port, load));
    const alone = await benchmark(proxy.port, { clients: 1, pipeline: 1, requests: 25 });
    const [rate, p50Ms] = [
      median(results.map(({ rate }) => rate)),
      median(results.map(({ p50Ms }) => p50Ms)),
    ];
    report(
      proxy,
      rate >= target,
      `${Math.round(rate)} requests/s (target ${target}), p50 ${p50Ms} ms; one client alone: p50 ${alone.p50Ms} ms`,
    );
  }
}

async function startEmbedded(redisPort) {
  const child = start(process.execPath, [BIN, 'toxiproxy', '--port', '0', '--seed', '1']);
  child.stdout.setEncoding('utf8');
  const [line] = await once(child.stdout, 'data');
  return makeProxy(EMBEDDED, child.pid, /http:\S+/.exec(line)[0], redisPort);
}

async function startReal(redisPort) {
  const command = 'toxiproxy-server';
  if (!(await promisify(execFile)('which', [command]).catch(() => undefined))) return undefined;
  const apiPort = await freePort();
  const child = start(command, ['-port', apiPort]);
  await untilListening(apiPort);
  return makeProxy(command, child.pid, `http://127.0.0.1:${apiPort}`, redisPort);
}

async function makeProxy(name, pid, api, redisPort) {
  const port = await freePort();
  const spec = { name: 'redis', listen: `127.0.0.1:${port}`, upstream: `127.0.0.1:${redisPort}` };
  await post(api, '/proxies', spec);
  return { name, pid, api, port };
}

function start(command, args) {
  const child = spawn(command, args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  child.stdout.resume();
  return child;
}

async function benchmark(port, { clients, pipeline, requests }) {
  const args = ['-p', port, '-c', clients, '-n', requests, '-P', pipeline, '-t', 'set', '--csv'].map(String);
  const { stdout } = await promisify(execFile)('redis-benchmark', args);
  const [, rate, , , p50Ms] = stdout
    .trim()
    .split('\n')
    .at(-1)
    .split(',')
    .map((field) => Number(field.replaceAll('"', '')));
  return { rate, p50Ms };
}

async function post(api, path, body) {
  const response = await fetch(api + path, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
}

/** User and system time of a process so far. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function untilListening(port) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).catch(
      (error) => error.cause?.code !== 'ECONNREFUSED',
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nothing listens on port ${port}`);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Only the embedded Toxiproxy has targets; the results of the real one are for comparison. */
function report({ name }, isMet, line) {
  const isMissed = name === EMBEDDED && !isMet;
  say(`  ${name}: ${line}${isMissed ? ': MISSED' : ''}`);
  if (isMissed) process.exitCode = 1;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
