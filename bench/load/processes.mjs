// The load alone: sent by this process, or by 1, 2 or 3 load processes, against a server that answers without looking.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const PROCESSES_TITLE = '## Load processes';

const REGIONS = ['us-east', 'eu-west', 'ap-south'];
const REPLY = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}';
const WARM_UP_MS = 2_000;
const SELF = fileURLToPath(import.meta.url);
const DIST = new URL('../../dist/', import.meta.url).href;
const shape = {
  ...{ mode: 'closed', costs: [1], seed: 1, regions: REGIONS, connections: 300, users: 200 },
  ...{ skew: 0.7, roaming: 0.2, rampMs: 0 },
};

/** Requests a second and microseconds of processor time a request, of each way to send. `before`: the dist folder of another version. */
export async function measureProcesses({ rounds, seconds, before }) {
  const cases = [
    ...(before === undefined
      ? []
      : [{ name: 'the version before', dist: `file://${before}/`, processes: 0 }]),
    { name: 'this process', dist: DIST, processes: 0 },
    ...[1, 2, 3].map((processes) => ({ name: `${processes} load processes`, dist: DIST, processes })),
  ];
  const results = [];
  const target = fork(SELF, ['--target']);
  const [port] = await once(target, 'message');
  try {
    for (let round = 0; round < rounds; round++)
      for (const one of cases) {
        const task = { ...one, port, durationMs: seconds * 1_000, target: target.pid };
        const { stdout } = await promisify(execFile)(process.execPath, [SELF, JSON.stringify(task)]);
        const result = { name: one.name, ...JSON.parse(stdout) };
        results.push(result);
        process.stderr.write(`${round + 1} ${JSON.stringify(result)}\n`);
      }
  } finally {
    target.kill();
  }
  return processesReport(results, cases, { rounds, seconds });
}

function processesReport(results, cases, { rounds, seconds }) {
  const of = (name) => results.filter((result) => result.name === name);
  const baseline = of(cases[0].name);
  const rows = cases.map(({ name }) => {
    const own = of(name);
    const ratio = median(own.map(({ perS }, round) => perS / baseline[round].perS));
    const figures = ['here', 'processes', 'target'].map((key) =>
      median(own.map((one) => one.us[key])).toFixed(0),
    );
    return `| ${[name, median(own.map(({ perS }) => perS)).toFixed(0), ratio.toFixed(2), ...figures].join(' | ')} |`;
  });
  return [
    PROCESSES_TITLE,
    '',
    `Written by \`npm run bench:load -- --only processes\`, ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} cores (load average ${loadavg()[0]} at the end, ours included).`,
    `${rounds} rounds of ${seconds} s a case, alternating, after a warm-up; medians, and the median of the rounds' ratios. 300 connections`,
    'over three regions to a server that answers each packet without reading it. Then processor time, microseconds a request: of the program',
    'that records, of the load processes, and of the server. Cores that are all busy are the limit, not the load.',
    '',
    `| load sent by | requests/s | of ${cases[0].name} | program | load processes | server |`,
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ];
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2;
}

/** Sends one load and records it as a run does. */
async function sendOne({ dist, processes, port, durationMs, target }) {
  const load = (path) => import(`${dist}${path}`);
  const [{ HistoryFile }, { Recorder }, { runLoad }, { planUsers }, { makePolicy }] = await Promise.all(
    ['experiment/history-file', 'load/recorder', 'load/run-load', 'load/drawn-users', 'core/policy'].map(
      (path) => load(`${path}.js`),
    ),
  );
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-bench-processes-'));
  const several = processes > 0 && (await startProcesses(load, processes));
  const send = several ? several.send.bind(several) : runLoad;
  const targets = REGIONS.map((region) => ({
    region,
    url: `http://127.0.0.1:${port}/`,
    subjectHeader: 'x-user',
  }));
  const common = {
    shape,
    users: planUsers(shape),
    targets,
    drainMs: 3_000,
    signal: new AbortController().signal,
  };
  await send({ ...common, recorder: new Recorder(() => {}), durationMs: WARM_UP_MS });
  const header = {
    ...{
      type: 'header',
      format: 'openclaw-history',
      version: 1,
      strategy: 'external',
      scenario: 'bench',
      seed: 1,
    },
    ...{
      policy: { capacity: 20, refill: makePolicy(20, '5/s').refill },
      regions: REGIONS,
      startedAt: '',
      initial: 'full',
    },
  };
  const history = new HistoryFile(join(folder, 'history.ndjson'), header, () => {});
  const recorder = new Recorder((operation) => history.add(operation));
  const pids = childrenOf(process.pid);
  const before = [process.pid, ...pids, target].map(processorUs);
  const loadMs = await send({ ...common, recorder, durationMs });
  const [here, ...others] = [process.pid, ...pids, target].map(processorUs).map((us, at) => us - before[at]);
  const server = others.pop();
  await several?.close?.();
  await history.end({ type: 'end', atUs: Math.ceil(recorder.nowUs()), sent: recorder.sent });
  rmSync(folder, { recursive: true });
  const { sent, counts } = recorder;
  if (counts.allowed < sent * 0.99) throw new Error(`not answered: ${JSON.stringify(counts)}`);
  const us = {
    here: here / sent,
    processes: others.reduce((sum, one) => sum + one, 0) / sent,
    target: server / sent,
  };
  return { perS: Math.round((1_000 * sent) / loadMs), us };
}

async function startProcesses(load, count) {
  const { LoadProcesses } = await load('load/processes/load-processes.js');
  const program = new URL(`${DIST}cli/process/load-process.js`);
  return LoadProcesses.start({
    program,
    regions: REGIONS,
    count,
    onPause: (what) => process.stderr.write(`${what}\n`),
  });
}

const statOf = (pid) => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');

function processorUs(pid) {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function childrenOf(parent) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isChild(name, parent));
}

function isChild(pid, parent) {
  try {
    return Number(statOf(pid)[1]) === parent;
  } catch {
    return false; // it has ended
  }
}

/** One request is in flight on a connection, and fits into a packet. */
function serveTarget() {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', () => socket.write(REPLY));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
  process.on('disconnect', () => process.exit());
}

if (process.argv[1] === SELF) {
  if (process.argv[2] === '--target') serveTarget();
  else process.stdout.write(JSON.stringify(await sendOne(JSON.parse(process.argv[2]))));
}
