// Compares simulated runs with real ones: every shipped scenario with three seeds, by when roles change, by the share
// of requests that are decided, and by what is admitted too much. bench/simulation/tolerances.mjs has the tolerances.
//   npm run bench:simulation [-- scenario... --seeds 1,2,3 --page --json --server redis-server]
//   npm run bench:simulation -- --real [scenario...] [--again]   real runs only, for a machine without other work
//   npm run bench:simulation -- --simulated-only [scenario...]   compares with the real runs that are kept
//   npm run bench:simulation -- --matrix [scenario...]           every strategy, beside docs/results/matrix.json;
//                                                                --folder for cells, to resume; --seeds, the first
//   npm run bench:simulation -- --delays                         measures those of src/simulation/delays.ts
//   npm run bench:simulation -- --processor [scenario...]        measures processor times of real runs, by process
//   npm run bench:simulation -- --small [strategy...]            measures what one small simulation of many costs
//
// Real runs are kept in docs/results/simulation-real.json, one at a time; those that are there are not made again,
// so that the same command resumes after Ctrl-C; --again makes those again whose verdict was unknown. All of them take
// over an hour. --page writes the tables into docs/results/simulation.md. Exit code 1 where a value is outside its
// tolerance, 2 where a run is missing.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { renderMarkdownTable } from '../dist/report/markdown.js';
import { drawTable } from '../dist/report/text-table.js';
import { compareScenario } from './simulation/compare.mjs';
import { isSame, keepRun, readRuns } from './simulation/kept.mjs';
import { compareMatrix } from './simulation/matrix.mjs';
import { measureDelays } from './simulation/measure-delays.mjs';
import { measureProcessor } from './simulation/measure-processor.mjs';
import {
  comparisonTable,
  matrixTable,
  processorTable,
  smallTable,
  writeSection,
} from './simulation/page.mjs';
import {
  inParallel,
  interruptRuns,
  makeReal,
  ROOT,
  runProgram,
  scenarioNames,
  simulate,
} from './simulation/runs.mjs';
import { measureSmall } from './simulation/small.mjs';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    real: { type: 'boolean', default: false },
    'simulated-only': { type: 'boolean', default: false },
    matrix: { type: 'boolean', default: false },
    delays: { type: 'boolean', default: false },
    processor: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
    seeds: { type: 'string' },
    server: { type: 'string', default: 'redis-server' },
    kept: { type: 'string', default: join(ROOT, 'docs/results/simulation-real.json') },
    page: { type: 'boolean', default: false },
    folder: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const PAGE = join(ROOT, 'docs/results/simulation.md');
const SMALL_SIMULATIONS = 200;
const seeds = (flags.seeds ?? (flags.matrix ? '1' : '1,2,3')).split(',').map(Number);
const scenarios = positionals.length > 0 ? positionals : scenarioNames();
const wanted = scenarios.flatMap((scenario) => seeds.map((seed) => ({ scenario, seed })));
const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-bench-simulation-'));
let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    isInterrupted = true;
    interruptRuns();
  });

try {
  if (flags.delays) await showDelays();
  else if (flags.processor) await measureProcessors();
  else if (flags.small) await measureSmallOnes();
  else if (flags.matrix) await measureMatrix();
  else {
    if (!flags['simulated-only']) await addReal();
    if (!flags.real && !isInterrupted) await compare();
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
if (isInterrupted) process.exitCode = 130;

/** Makes the real runs that are missing, one after the other: each has the machine for itself. */
async function addReal() {
  const isUseful = ({ verdict }) => !flags.again || verdict !== 'unknown';
  const useful = readRuns(flags.kept).filter(isUseful);
  const missing = wanted.filter((run) => !useful.some((kept) => isSame(kept, run)));
  for (const [at, { scenario, seed }] of missing.entries()) {
    const each = { scenario, seed };
    const run = await tried(each, () => makeReal(each, { folder, server: flags.server }));
    if (isInterrupted)
      return progress(`interrupted after ${at} of ${missing.length}; the same command resumes`);
    if (run === undefined) continue;
    keepRun(flags.kept, run);
    progress(`${at + 1} of ${missing.length}: ${scenario}, seed ${seed}: ${run.verdict}, ${run.machine}`);
  }
}

/** A failed start must not cost an hour's work: it is reported, and the run stays missing. */
async function tried({ scenario, seed }, make) {
  try {
    return await make();
  } catch (error) {
    if (!isInterrupted) progress(`${scenario}, seed ${seed}: ${error.message}`);
    return undefined;
  }
}

async function compare() {
  const simulated = [];
  const startMs = performance.now();
  const real = readRuns(flags.kept).filter((run) => wanted.some((one) => isSame(one, run)));
  await inParallel(wanted, availableParallelism(), async (each) => {
    if (isInterrupted) return;
    const sameKeys = real.find((run) => isSame(run, each));
    const run = await tried(each, () => simulate(each, sameKeys));
    if (run !== undefined) simulated.push(run);
  });
  if (isInterrupted) return;
  const tookS = (performance.now() - startMs) / 1_000;
  const ofScenario = (runs, name) => runs.filter(({ scenario }) => scenario === name);
  const rows = scenarios.flatMap((name) => {
    const [some, others] = [ofScenario(real, name), ofScenario(simulated, name)];
    return some.length === 0 || others.length === 0 ? [] : compareScenario(name, some, others);
  });
  const missing = wanted.flatMap((run) => [
    ...(real.some((one) => isSame(one, run)) ? [] : [`${run.scenario}, seed ${run.seed}: no real run`]),
    ...(simulated.some((one) => isSame(one, run))
      ? []
      : [`${run.scenario}, seed ${run.seed}: not simulated`]),
  ]);
  const outside = rows.filter(({ isWithin }) => !isWithin).length;
  const summary = `${rows.length} quantities of ${scenarios.length} scenarios, ${outside} outside; ${simulated.length} simulated runs in ${tookS.toFixed(0)} s.`;
  show({ title: 'Every scenario', table: comparisonTable(rows), summary, rows, missing });
  process.exitCode = outside > 0 ? 1 : missing.length > 0 ? 2 : 0;
}

async function measureMatrix() {
  const { cells } = JSON.parse(readFileSync(join(ROOT, 'docs/results/matrix.json'), 'utf8'));
  const names = positionals.length > 0 ? positionals : [...new Set(cells.map(({ scenario }) => scenario))];
  const kept = resolve(flags.folder ?? join(folder, 'matrix'));
  const args = ['matrix', '--simulate', '--json', '--folder', kept, '--seed', String(seeds[0])];
  const { stdout, wallMs } = await runProgram([...args, '--scenario', ...names], folder);
  if (isInterrupted) return;
  const rows = compareMatrix(
    cells.filter(({ scenario }) => names.includes(scenario)),
    JSON.parse(stdout).cells,
  );
  const outside = rows.filter(({ why }) => why !== '').length;
  const summary = `${rows.length} cells, ${outside} differ; simulated in ${(wallMs / 1_000).toFixed(0)} s.`;
  show({ title: 'Every strategy', table: matrixTable(rows), summary, rows, missing: [] });
  process.exitCode = outside > 0 ? 1 : 0;
}

async function showDelays() {
  for (const [name, delays] of Object.entries(await measureDelays(flags.server)))
    process.stdout.write(`${name}: [${delays.join(', ')}]\n`);
}

/** Of a real run of each scenario; default: one that waits for the network, and one that keeps both processors busy. */
async function measureProcessors() {
  const names = positionals.length > 0 ? positionals : ['node-clock', 'hot-user-from-everywhere'];
  const rows = [];
  for (const scenario of names) {
    const each = { scenario, seed: seeds[0], server: flags.server };
    const row = await tried(each, () => measureProcessor(each, folder));
    if (row !== undefined) rows.push(row);
  }
  const missing = names.filter((name) => !rows.some(({ scenario }) => scenario === name));
  const summary = 'Processor time of a request, microseconds.';
  show({ title: 'Processor time', table: processorTable(rows), summary, rows, missing });
}

/** Of one process for all strategies, one after another; default: the one that does most in a region. */
async function measureSmallOnes() {
  const rows = [];
  for (const strategy of positionals.length > 0 ? positionals : ['lease'])
    rows.push(await measureSmall({ strategy, simulations: SMALL_SIMULATIONS }));
  const summary = `Processor time of a simulation with its judgement, all threads, milliseconds; the second half of ${SMALL_SIMULATIONS} simulations, and the first.`;
  show({ title: 'Small simulations', table: smallTable(rows), summary, rows, missing: [] });
}

/** Prints a table, and writes it into the page where that is asked for. */
function show({ title, table, summary, rows, missing }) {
  if (flags.json) process.stdout.write(`${JSON.stringify({ rows, summary, missing }, null, 2)}\n`);
  else
    process.stdout.write(
      `${drawTable(table, process.stdout.columns)}\n${[summary, ...missing].join('\n')}\n`,
    );
  if (!flags.page) return;
  const made = `${new Date().toISOString().slice(0, 10)}, Node.js ${process.version}. ${summary}`;
  const lines = [made, '', ...renderMarkdownTable(table.head, table.rows)];
  writeSection(
    PAGE,
    title,
    missing.length === 0 ? lines : [...lines, '', ...missing.map((one) => `- ${one}`)],
  );
}

function progress(line) {
  process.stderr.write(`${line}\n`);
}
