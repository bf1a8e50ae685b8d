// Runs scenarios with the program, real or simulated, and measures each run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { figuresOf } from './figures.mjs';

export const ROOT = join(import.meta.dirname, '../..');

/** The shipped scenarios, by name. */
export function scenarioNames() {
  const files = readdirSync(join(ROOT, 'scenarios')).filter((name) => name.endsWith('.yaml'));
  return files.map((name) => name.replace('.yaml', '')).sort();
}

/**
 * The figures of one run and the machine's state. Throws if the program made no report. `folder` is for what it writes.
 * A real run takes about a minute.
 */
export async function makeRun({ scenario, seed, folder, isSimulated, server }) {
  const where = isSimulated ? ['--simulate'] : ['--server', server];
  const args = [
    'run',
    scenario,
    '--seed',
    String(seed),
    ...where,
    '--reports',
    join(folder, 'reports'),
    '--json',
  ];
  const before = loadText();
  const { stdout, wallMs } = await runProgram(args, folder);
  const run = figuresOf(JSON.parse(stdout));
  if (isSimulated) return { ...run, wallMs };
  const machine = `${cpus().length} cores, Node ${process.version}, load average ${before} to ${loadText()}`;
  return { ...run, machine };
}

const running = new Set();

/** Interrupts the programs that run; each stops what it started, and reports what it has. */
export function interruptRuns() {
  for (const child of running) child.kill('SIGINT');
}

/** What the program prints, and how long it runs. Throws with its last words if it prints no JSON. */
export async function runProgram(args, folder) {
  const startMs = performance.now();
  const child = spawn(join(ROOT, 'bin/openclaw-rl'), args, {
    env: { ...process.env, NO_COLOR: '1', OPENCLAW_RL_STATE: join(folder, 'state') },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // Ctrl-C reaches it once, from interruptRuns
  });
  running.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close'); // 1 and 2 are verdicts
  running.delete(child);
  if (!stdout.startsWith('{'))
    throw new Error(`exit code ${code}: ${stderr.trim().split('\n').slice(-3).join(' / ')}`);
  return { stdout, wallMs: Math.round(performance.now() - startMs) };
}

/** Calls `work` for each item, at most `many` at a time. */
export async function inParallel(items, many, work) {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: many }, worker));
}

function loadText() {
  return loadavg()[0].toFixed(1);
}
