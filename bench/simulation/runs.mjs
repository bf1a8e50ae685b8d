// Runs scenarios with the program, real or simulated, and measures each run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { ONLY_SIMULATED } from '../../dist/cli/files/scenario-names.js';
import { DEFAULT_PREFIX } from '../../dist/limiter/options/key.js';
import { figuresOf } from './figures.mjs';

const SIMULATE = join(import.meta.dirname, 'simulate.mjs');

export const ROOT = join(import.meta.dirname, '../..');

/** The shipped scenarios that can also run for real, by name. */
export function scenarioNames() {
  const files = readdirSync(join(ROOT, 'scenarios')).filter((name) => name.endsWith('.yaml'));
  const names = files.map((name) => name.replace('.yaml', '')).sort();
  return names.filter((name) => !ONLY_SIMULATED.includes(name));
}

/**
 * The figures of one real run, which takes about a minute. Throws if the program made no report. `folder` is for what it
 * writes.
 */
export async function makeReal({ scenario, seed }, { folder, server }) {
  const before = loadText();
  const where = ['--server', server, '--reports', join(folder, 'reports'), '--json'];
  const { stdout } = await runProgram(['run', scenario, '--seed', String(seed), ...where], folder);
  const machine = `${cpus().length} cores, Node ${process.version}, load average ${before} to ${loadText()}`;
  return { ...figuresOf(JSON.parse(stdout)), machine };
}

/** The same of a simulated run, with the keys of a real one if there is one. Throws if it cannot be simulated. */
export async function simulate({ scenario, seed }, real) {
  const prefix = real === undefined ? [] : [`${DEFAULT_PREFIX}:${real.run}`];
  const { stdout } = await runChild(
    process.execPath,
    [SIMULATE, scenario, String(seed), ...prefix],
    process.env,
  );
  return JSON.parse(stdout);
}

const running = new Set();

/** Interrupts the programs that run; each stops what it started, and reports what it has. */
export function interruptRuns() {
  for (const child of running) child.kill('SIGINT');
}

/** What the program prints, and how long it runs. Throws with its last words if it prints no JSON. */
export function runProgram(args, folder) {
  const env = { ...process.env, NO_COLOR: '1', OPENCLAW_RL_STATE: join(folder, 'state') };
  return runChild(join(ROOT, 'bin/openclaw-rl'), args, env);
}

async function runChild(command, args, env) {
  const startMs = performance.now();
  const child = spawn(command, args, {
    env,
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
