// Compares the cost of regions as containers and as local processes: `up`, and a bench of the default load on each.
// Prints the rows of the table in docs/containers.md, least to most in brackets.   npm run bench:providers [-- rounds]
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROUNDS = Number(process.argv[2] ?? 3);
const BIN = new URL('../bin/openclaw-rl', import.meta.url).pathname;
const PROVIDERS = ['local', 'docker'];

const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-bench-providers-'));
const options = { cwd: folder, env: { ...process.env, OPENCLAW_RL_STATE: join(folder, 'state') } };
const rows = new Map();
try {
  for (let round = 0; round < ROUNDS; round++) for (const provider of PROVIDERS) await oneRound(provider);
} finally {
  await run('down', '--all', '--yes');
  rmSync(folder, { recursive: true, force: true });
}
const line = (...cells) => process.stdout.write(`| ${cells.join(' | ')} |\n`);
line('', ...PROVIDERS);
line('---', ...PROVIDERS.map(() => '---'));
for (const [what, values] of rows) line(what, ...PROVIDERS.map((provider) => spread(values[provider])));

async function oneRound(provider) {
  await timed(provider, 'up', 'up', '--provider', provider);
  await run('bench', '--json');
  const report = JSON.parse(readFileSync(join(folder, 'reports/latest/report.json'), 'utf8'));
  note(provider, 'requests/s', report.sent / (report.loadMs / 1_000));
  note(provider, 'verdicts', report.verdict);
  await timed(provider, 'down', 'down');
}

async function timed(provider, what, ...args) {
  const startedMs = performance.now();
  const { code, stderr } = await run(...args);
  if (code !== 0) throw new Error(`openclaw-rl ${args.join(' ')}: ${stderr}`);
  note(provider, `${what}, s`, (performance.now() - startedMs) / 1_000);
}

function note(provider, what, value) {
  const values = rows.get(what) ?? { local: [], docker: [] };
  values[provider].push(value);
  rows.set(what, values);
}

function spread(values) {
  if (typeof values[0] === 'string') return [...new Set(values)].join(', ');
  const sorted = values.toSorted((a, b) => a - b).map((value) => value.toFixed(value < 100 ? 1 : 0));
  return `${sorted[Math.floor(sorted.length / 2)]} (${sorted[0]} to ${sorted.at(-1)})`;
}

/** Exit codes also carry verdicts: a verdict other than pass is no failure here. */
async function run(...args) {
  return promisify(execFile)(BIN, args, options).then(
    (done) => ({ ...done, code: 0 }),
    (error) => error,
  );
}
