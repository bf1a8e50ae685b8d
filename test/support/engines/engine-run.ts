import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckReport } from '../../../src/checker/check.ts';
import { lookAtPart } from '../../../src/cli/files/look-at-part.ts';
import { readHistory } from '../../../src/cli/files/read-history.ts';
import { OpenclawError } from '../../../src/core/errors.ts';
import type { EngineRunOptions } from '../../../src/engines/engine-run.ts';
import { runOnEngine } from '../../../src/engines/run-on-engine.ts';
import { travellingFiles } from '../../../src/engines/travelling-files.ts';
import { judgeRun } from '../../../src/experiment/judge-run.ts';
import type { Progress } from '../../../src/experiment/progress.ts';
import type { RunResult } from '../../../src/experiment/run.ts';
import type { JudgedBy } from '../../../src/experiment/run-context.ts';
import { HistoryReader } from '../../../src/history/reader.ts';
import { parseScenario } from '../../../src/scenario/parse.ts';
import type { Endpoints } from '../../../src/topology/endpoints.ts';
import { startByHand } from '../by-hand.ts';
import { runCli, testFolder } from '../cli.ts';
import { LocalEngine } from './local-engine.ts';

const REGIONS = ['us-east', 'eu-west'];

/** Where a test says what is called when it has finished: tests of this kind run side by side. */
export type OnFinished = (callBack: () => void) => void;

/** One Redis for all regions, which runs already. */
export async function startRedis(onFinished: OnFinished, regions = REGIONS): Promise<Endpoints> {
  const redis = await startByHand([]);
  onFinished(() => redis.stop());
  const address = { host: '127.0.0.1', port: redis.port };
  const nodes = [{ name: 'only', region: 'us-east', address }];
  return { kind: 'single', regions, nodes, services: {}, toxiproxy: {}, roundTripMs: {} };
}

interface Typed extends Partial<Pick<EngineRunOptions, 'leadMs' | 'found' | 'collectMs'>> {
  readonly onFinished: OnFinished;
  /** In addition to the scenario of all tests. */
  readonly scenario?: object;
  readonly change?: LocalEngine['change'];
  /** Called with each progress; may interrupt the run. */
  readonly onProgress?: (
    progress: Progress,
    run: {
      readonly folder: string;
      readonly engine: LocalEngine;
      readonly interrupt: () => void;
      /** What a program does that has to exit now. */
      readonly exit: () => void;
    },
  ) => void;
}

export const LOAD = {
  ...{ mode: 'open', connections: 100, rate: 100, users: 8, roaming: 1, skew: 0 },
  ...{ duration: '4s', ramp: '200ms' },
};

const SCENARIO = {
  topology: { regions: REGIONS, replicas: 0 },
  policy: '10:5/s',
  load: LOAD,
  claims: ['total-excess <= 0', 'false-denials <= 0'],
};

export type Played = Awaited<ReturnType<typeof playOnce>>;

const MOST_TRIES = 3;
/** Of the first try. */
const MOST_LEAD_MS = 25_000;

/**
 * Makes a run on an engine of local processes. While this machine is too busy for it, which `until` sees, it makes another
 * one with twice the lead; by default where services were not ready at the start.
 */
export async function playOnEngine({
  until = wasReady,
  ...typed
}: Typed & { until?: (played: Played) => boolean }) {
  let leadMs = typed.leadMs ?? (await leadOfThisMachine());
  for (let tries = 1; ; tries++) {
    const played = await playOnce({ ...typed, leadMs });
    if (typed.leadMs !== undefined || tries === MOST_TRIES || until(played)) return played;
    leadMs *= 2;
  }
}

function wasReady({ result }: Played): boolean {
  return !(result instanceof OpenclawError && result.hint?.includes('--lead'));
}

async function playOnce({
  onFinished,
  scenario,
  change,
  onProgress,
  ...options
}: Typed & { leadMs: number }) {
  const folder = testFolder(onFinished);
  const text = `# A run on an engine.\n${JSON.stringify({ ...SCENARIO, ...scenario })}`;
  const plan = parseScenario(text, { file: 'engine.yaml' });
  const engine = new LocalEngine(join(folder, 'engine'), change);
  const run = join(folder, 'run');
  mkdirSync(run);
  const progress: string[] = [];
  const leftovers: string[] = [];
  const exits: (() => void)[] = [];
  const interruption = new AbortController();
  const result: RunResult | Error = await runOnEngine({
    ...{ plan, engine, name: 'openclaw-0123abcd', folder: run, startedAt: new Date() },
    ...(await travellingFiles(plan)),
    secrets: {},
    ...{ clock: { host: '127.0.0.1', look: lookAtPart }, signal: interruption.signal },
    shell: { cwd: folder, env: { PATH: process.env.PATH ?? '' } },
    judge: judgeFiles,
    onExit: (kill) => {
      exits.push(kill);
      return () => {};
    },
    onLeftover: (what) => leftovers.push(what),
    onProgress: (now) => {
      progress.push(`${now.stage} ${now.detail ?? ''}`);
      const exit = () => {
        for (const kill of exits) kill();
      };
      onProgress?.(now, { folder, engine, exit, interrupt: () => interruption.abort() });
    },
    ...options,
  }).catch((error: Error) => error);
  return { folder, run, engine, progress, leftovers, result, files: filesBelow(run) };
}

/** The tests start together, and a part needs 5 s in any case. */
async function leadOfThisMachine(): Promise<number> {
  const startedMs = performance.now();
  await runCli(['--version']);
  return Math.min(7_000 + 10 * (performance.now() - startedMs), MOST_LEAD_MS);
}

async function judgeFiles(files: readonly string[], by: JudgedBy): Promise<CheckReport> {
  const history = await readHistory(files, new HistoryReader(), {
    stdin: () => process.stdin,
    signal: new AbortController().signal,
    onProgress: () => {},
  });
  return judgeRun(by, history).report;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' });
}
