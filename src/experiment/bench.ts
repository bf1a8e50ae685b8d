import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CheckReport, checkHistory } from '../checker/check.ts';
import { OpenclawError } from '../core/errors.ts';
import { formatPolicy, type Policy } from '../core/policy.ts';
import type { Header, Operation, Outcome } from '../history/operation.ts';
import { type LatencySummary, Recorder } from '../load/recorder.ts';
import { runLoad } from '../load/run-load.ts';
import { bucketOf, sampleTarget, type Target } from '../load/target.ts';
import { busiestUsers, type LoadShape, makeUserDraw, planUsers } from '../load/users.ts';
import type { SelfCommand } from '../regions/local/toxiproxy-process.ts';
import { announcedAddress, type Regions } from '../regions/provider.ts';
import { Cleanup } from './cleanup.ts';
import { watchClocks } from './clock-watch.ts';
import { HistoryFile } from './history-file.ts';
import { startRegion } from './services.ts';

export interface BenchOptions {
  readonly self: SelfCommand;
  /** The environment of the services. */
  readonly env: Readonly<Record<string, string>>;
  /** Brings up the cluster, or takes one that is up; `down` is called only when `isOurs`. */
  readonly provide: () => Promise<{ readonly regions: Regions; readonly isOurs: boolean }>;
  readonly strategy: string;
  readonly policy: Policy;
  readonly prefix: string;
  readonly shape: LoadShape;
  readonly durationMs: number;
  /** The folder of this run; made here. */
  readonly folder: string;
  readonly startedAt: Date;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

export type Phase = 'provision' | 'warm up' | 'load' | 'check' | 'tear down';

export interface Progress {
  readonly phase: Phase;
  readonly elapsedMs: number;
  readonly counts: Readonly<Record<Outcome, number>>;
  readonly detail?: string;
}

export interface BenchResult {
  readonly check: CheckReport;
  readonly latencies: readonly {
    readonly region: string;
    readonly outcome: Outcome;
    readonly latency: LatencySummary;
  }[];
  /** Provider and server, for people. */
  readonly system: string;
  readonly loadMs: number;
  /** What could not be undone, as sentences; empty when all is gone. */
  readonly leftovers: readonly string[];
}

const WARM_UP_MS = 2_000;
const DRAIN_MS = 3_000;
const BUSIEST = 100;
const RULES = { contestedAtLeast: 0.8, infoAtMost: 0.05, failedAtMost: 0.05 };

/** One run: provision, load, judge, tear down. Everything that was started is stopped, also when it fails. */
export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const cleanup = new Cleanup();
  const report = reportProgress(options);
  try {
    const result = await provisionAndRun(options, cleanup, report);
    report('tear down');
    return { ...result, leftovers: await cleanup.run() };
  } finally {
    await cleanup.run();
  }
}

type ReportProgress = (phase: Phase, detail?: string, counts?: Progress['counts']) => void;

function reportProgress({ onProgress }: BenchOptions): ReportProgress {
  const startedMs = performance.now();
  const none = { allowed: 0, denied: 0, failed: 0, info: 0 };
  return (phase, detail, counts = none) =>
    onProgress({
      phase,
      elapsedMs: performance.now() - startedMs,
      counts,
      ...(detail === undefined ? {} : { detail }),
    });
}

async function provisionAndRun(
  options: BenchOptions,
  cleanup: Cleanup,
  report: ReportProgress,
): Promise<Omit<BenchResult, 'leftovers'>> {
  const { folder, shape, signal } = options;
  const users = planUsers(shape);
  for (const region of shape.regions) makeUserDraw(users, region); // refuses a plan in which a region has no user
  const logs = join(folder, 'logs');
  await mkdir(logs, { recursive: true });
  const { regions, isOurs } = await options.provide();
  if (isOurs) cleanup.add(`end cluster ${regions.name}`, () => regions.down());
  report('provision', `${shape.regions.length} gateways and Rating services`);
  const targets = await startRegions(options, { regions, logs, cleanup });
  throwIfAborted(signal);

  await warmUp(options, targets, report);

  const history = new HistoryFile(join(folder, 'history.ndjson'), makeHeader(options));
  const nameNode = makeNodeNames(regions);
  const recorder = new Recorder((operation) => history.add(nameNode(operation)));
  const clock = await watchClocks(regions, recorder, history);
  const ticker = setInterval(() => report('load', undefined, { ...recorder.counts }), 1_000);
  const load = { shape, users, targets, recorder, durationMs: options.durationMs, drainMs: DRAIN_MS, signal };
  report('load', `${shape.connections} concurrent users, ${options.durationMs / 1_000} s`);
  const startedUs = recorder.nowUs();
  try {
    await runLoad(load);
  } finally {
    clearInterval(ticker);
    await clock.stop();
    history.flush();
  }
  const loadMs = (recorder.nowUs() - startedUs) / 1_000;

  report('check', undefined, { ...recorder.counts });
  const recorded = await history
    .end({ type: 'end', atUs: Math.ceil(recorder.nowUs()), sent: recorder.sent })
    .catch((error: Error) => {
      throw new OpenclawError('ENVIRONMENT_FAILED', `the history could not be written: ${error.message}`, {
        hint: `make room, or choose another folder than ${folder} with --reports`,
      });
    });
  const busiest = busiestUsers(users, shape.regions, BUSIEST).map(({ name }) => bucketOf(name));
  const check = checkHistory(recorded, { ...RULES, busiest, interrupted: signal.aborted });
  return {
    check,
    latencies: recorder.latencies(),
    system: regions.description,
    loadMs,
  };
}

/** Fresh processes are slow and their connections are few: load on buckets of its own, which is not judged. */
async function warmUp(
  { shape, signal }: BenchOptions,
  targets: readonly Target[],
  report: ReportProgress,
): Promise<void> {
  report('warm up');
  const users = shape.regions.map((region) => ({
    name: `warm-up-${region}`,
    regions: [region],
    weight: 1,
    arrivesMs: 0,
  }));
  const recorder = new Recorder(() => {});
  await runLoad({ shape, users, targets, recorder, durationMs: WARM_UP_MS, drainMs: DRAIN_MS, signal });
  throwIfAborted(signal);
}

async function startRegions(
  { self, env, shape, strategy, policy, prefix, signal }: BenchOptions,
  { regions, logs, cleanup }: { regions: Regions; logs: string; cleanup: Cleanup },
): Promise<Target[]> {
  const common = {
    self,
    env,
    strategy,
    policy: formatPolicy(policy),
    prefix,
    logs,
    cleanup,
    signal,
  };
  const started = await Promise.allSettled(
    shape.regions.map((region) => startRegion({ ...common, view: regions.view(region) })),
  );
  const failed = started.find((result) => result.status === 'rejected'); // once all are settled: none is left behind
  if (failed !== undefined) throw failed.reason;
  return started.map((result, index) =>
    sampleTarget(shape.regions[index] ?? '', result.status === 'fulfilled' ? result.value : ''),
  );
}

function makeHeader({ policy, strategy, shape, startedAt }: BenchOptions): Header {
  return {
    type: 'header',
    format: 'openclaw-history',
    version: 1,
    policy: { capacity: policy.capacityTokens, refill: policy.refill },
    strategy,
    scenario: 'bench',
    seed: shape.seed,
    regions: shape.regions,
    startedAt: startedAt.toISOString(),
    initial: 'full',
  };
}

/** Decisions name the address that decided; the history names the node. */
function makeNodeNames(regions: Regions): (operation: Operation) => Operation {
  const names = new Map(regions.topology.nodes.map(({ name }) => [announcedAddress(regions, name), name]));
  return (operation) => {
    const node = names.get(operation.decision?.node ?? '');
    return operation.decision === undefined || node === undefined
      ? operation
      : { ...operation, decision: { ...operation.decision, node } };
  };
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new OpenclawError('INTERRUPTED', 'interrupted before any load was sent');
}
