// Simulates a scenario and prints what it is compared by: node simulate.mjs scenario seed [prefix]. The prefix of keys
// decides which node has which bucket; with that of a real run, both have the same buckets in the same places.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readScenario } from '../../dist/cli/files/read-scenario.js';
import { makeReport } from '../../dist/report/report.js';
import { checkSimulatedPlan } from '../../dist/simulation/check-simulated-plan.js';
import { simulatePlan } from '../../dist/simulation/run.js';
import { figuresOf } from './figures.mjs';

const [scenario, seed, prefix] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-simulate-'));
const interrupt = new AbortController();
process.on('SIGINT', () => interrupt.abort());
try {
  const startMs = performance.now();
  const plan = await readScenario(scenario, { seed: Number(seed) }, { cwd: process.cwd() });
  checkSimulatedPlan(plan);
  const startedAt = new Date();
  const { check, latencies, ...facts } = await simulatePlan({
    ...{ plan, folder, startedAt, prefix, shell: { cwd: folder, env: {} } },
    signal: interrupt.signal,
    onProgress: () => {},
    onExit: () => () => {},
    onLeftover: () => {},
  });
  const loadMs = Math.round(facts.loadMs);
  const about = { plan, command: '', folder, startedAt: startedAt.toISOString() };
  const report = makeReport({ ...about, ...facts, loadMs, check, latencies });
  const wallMs = Math.round(performance.now() - startMs);
  process.stdout.write(JSON.stringify({ ...figuresOf(report), wallMs }));
} finally {
  rmSync(folder, { recursive: true });
}
