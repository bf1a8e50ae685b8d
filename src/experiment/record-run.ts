import { join } from 'node:path';
import { limitTokensOf } from '../checker/promise.ts';
import { OpenclawError } from '../core/errors.ts';
import { parsePolicy } from '../core/policy.ts';
import type { Header, Operation } from '../history/operation.ts';
import { isApart } from '../limiter/create.ts';
import { Recorder } from '../load/recorder.ts';
import { runLoad } from '../load/run-load.ts';
import { announcedAddress, type Regions } from '../regions/provider.ts';
import type { RoleWatch } from '../regions/role-watch.ts';
import { settle } from '../regions/settle.ts';
import { AgeTally } from './age-tally.ts';
import { AnswerWatch, whileUseful } from './answer-watch.ts';
import { watchClocks } from './clock-watch.ts';
import { ExcessTally } from './excess-tally.ts';
import { FaultSchedule } from './fault-schedule.ts';
import { HistoryFile, type Written } from './history-file.ts';
import { LiveTally } from './live-tally.ts';
import { watchPauses } from './pause-watch.ts';
import { busiestBuckets, shapeOf } from './plan-file.ts';
import { recordRoles } from './record-roles.ts';
import { watchRedisCalls } from './redis-calls.ts';
import type { Run } from './run-context.ts';
import { untilSettled } from './settled-watch.ts';
import type { System } from './system.ts';
import { type TargetWarmUp, warmUpTarget } from './target-warm-up.ts';

/** A run that was recorded, before it is judged. */
interface Recorded {
  readonly written: Written;
  readonly loadMs: number;
  /** What the strategy asked of Redis; absent where nodes are not ours or a plug-in calls them in its own way. */
  readonly redisCalls?: number;
  /** Of an audit. */
  readonly warmUp?: TargetWarmUp;
}

const REPORT_EVERY_MS = 1_000;
const DRAIN_MS = 3_000;
const SETTLE_MS = 30_000;

/** The load with its faults, then healing and settling, streamed into `history.ndjson` as it goes. */
export async function recordRun(run: Run, system: System): Promise<Recorded> {
  const { plan, folder, cleanup, troubles, report } = run;
  const { regions } = system;
  const stop = new AbortController();
  const signal = AbortSignal.any([run.signal, stop.signal]);
  const history = new HistoryFile(
    join(folder, 'history.ndjson'),
    makeHeader(run, system),
    () => stop.abort(),
    run.judgeApart?.above,
  );
  const policy = parsePolicy(plan.policy);
  const isBucket = run.promise === undefined || run.promise.type === 'token-bucket';
  const tally = new LiveTally(
    plan.topology.regions,
    busiestBuckets(plan, run.users),
    limitTokensOf(run.promise, policy),
    isBucket ? new ExcessTally(policy) : undefined,
  );
  const nameNode = regions === undefined ? undefined : makeNodeNames(regions);
  const ages = isApart(plan.strategy) ? new AgeTally() : undefined;
  const answers = regions === undefined ? new AnswerWatch() : undefined;
  const recorder = new Recorder(
    (operation) => {
      const named = nameNode?.(operation) ?? operation;
      history.add(named);
      ages?.add(named);
      tally.add(operation);
      answers?.add(operation);
    },
    (reading) => history.add(reading),
  );
  const warmedUp = await warmUpTarget(run, system, recorder, answers).catch(async (error: unknown) => {
    await endHistory(history, recorder, folder);
    throw error;
  });
  const watches = regions === undefined ? undefined : await watch(regions, recorder, history, cleanup);
  const faults = watches && makeSchedule(run, system, { recorder, history, roles: watches.roles });
  cleanup.add('heal every fault', async () => void (await faults?.end()));
  const calls =
    regions === undefined || plan.limiter !== undefined ? undefined : await watchCalls(regions, cleanup);

  const pauses = watchPauses((ms) =>
    troubles.push(
      `this program did not run for ${(ms / 1_000).toFixed(1)} s of the load: its figures are not the system's`,
    ),
  );
  const { durationMs } = plan.load;
  const startedUs = recorder.nowUs();
  const ticker = setInterval(
    () =>
      report('load', {
        load: {
          atMs: (recorder.nowUs() - startedUs) / 1_000,
          ofMs: durationMs,
          faults: faults?.inForce ?? [],
          ...tally.look(),
        },
      }),
    REPORT_EVERY_MS,
  );
  let loadMs = 0;
  let redisCalls: number | undefined;
  try {
    report('load', { detail: describeLoad(run) });
    faults?.start(() => stop.abort());
    const load = { shape: shapeOf(plan), users: run.users, targets: system.targets, recorder, signal };
    loadMs = await whileUseful(answers, stop, troubles, () =>
      runLoad({ ...load, durationMs, drainMs: DRAIN_MS }),
    );
  } finally {
    clearInterval(ticker);
    pauses.stop();
    const counting = calls?.stop(); // beside the healing: a node that is paused answers only after it
    if (faults !== undefined) troubles.push(...(await healAndSettle(run, system, faults, recorder, history)));
    if (regions !== undefined && watches !== undefined)
      troubles.push(...(await findTroubles(regions, watches.roles)));
    await watches?.stop();
    redisCalls = await counting;
    recordDropped(recorder, history);
    for (const event of ages?.records(Math.ceil(recorder.nowUs())) ?? []) history.add(event);
    history.flush();
  }
  if (faults?.failure !== undefined) throw faults.failure;
  const written = await endHistory(history, recorder, folder);
  return {
    ...{ written, loadMs },
    ...(redisCalls !== undefined && { redisCalls }),
    ...(warmedUp && { warmUp: warmedUp }),
  };
}

function makeSchedule(
  { plan }: Run,
  { regions, setServiceClock }: System,
  { recorder, history, roles }: { recorder: Recorder; history: HistoryFile; roles: RoleWatch },
): FaultSchedule | undefined {
  if (regions === undefined || plan.faults.length === 0) return undefined;
  return new FaultSchedule({
    faults: plan.faults,
    seed: plan.seed,
    system: { regions, ...(setServiceClock && { setServiceClock }) },
    nowUs: () => recorder.nowUs(),
    record: (fault) => history.add(fault),
    settled: (signal) => untilSettled(regions, roles, signal),
  });
}

interface Watches {
  readonly roles: RoleWatch;
  stop(): Promise<void>;
}

async function watch(
  regions: Regions,
  recorder: Recorder,
  history: HistoryFile,
  cleanup: Run['cleanup'],
): Promise<Watches> {
  const clocks = await watchClocks(regions, recorder, history);
  cleanup.add('stop watching clocks', clocks.stop);
  const roles = await recordRoles(regions, recorder, history);
  cleanup.add('stop watching roles', roles.stop);
  return {
    roles,
    async stop() {
      await roles.stop();
      await clocks.stop();
    },
  };
}

async function watchCalls(regions: Regions, cleanup: Run['cleanup']) {
  const calls = await watchRedisCalls(regions);
  cleanup.add('stop counting calls', async () => void (await calls.stop()));
  return calls;
}

/** What has died and was not meant to: the load is over, and every fault healed. */
async function findTroubles({ links }: Regions, roles: RoleWatch): Promise<string[]> {
  const toxiproxy = (await links.state())
    .filter(({ silent }) => silent !== undefined)
    .map(({ from, silent }) => `the Toxiproxy of ${from} does not answer: ${silent}`);
  const silent = [...roles.current()].filter(([, { role }]) => role === 'down').map(([node]) => node);
  return [
    ...new Set(toxiproxy),
    ...(silent.length === 0 ? [] : [`at the end does not answer: ${silent.join(', ')}`]),
  ];
}

/** Takes away what is in force and waits until the cluster is as it began; gives sentences for what failed. */
async function healAndSettle(
  { report, plan, signal }: Run,
  { regions, isOurs }: System,
  faults: FaultSchedule,
  recorder: Recorder,
  history: HistoryFile,
): Promise<string[]> {
  report('heal');
  const failures = await faults.end();
  if (regions === undefined || (isOurs && signal.aborted)) return failures; // it is torn down as it is
  report('settle');
  try {
    await settle(regions, new AbortController().signal, SETTLE_MS);
    const atUs = Math.ceil(recorder.nowUs());
    for (const { fault } of plan.faults) history.add({ type: 'fault', fault, phase: 'settled', atUs });
    return failures;
  } catch (error) {
    return [...failures, `the cluster did not settle: ${error instanceof Error ? error.message : error}`];
  }
}

/** Of an open load: requests that were due and never sent, since every connection of their region was busy. */
function recordDropped(recorder: Recorder, history: HistoryFile): void {
  for (const { region, atUs, requests } of recorder.dropped)
    history.add({ type: 'event', event: 'dropped', atUs, args: { region, requests } });
}

async function endHistory(history: HistoryFile, recorder: Recorder, folder: string): Promise<Written> {
  const end = { type: 'end', atUs: Math.ceil(recorder.nowUs()), sent: recorder.sent } as const;
  return history.end(end).catch((error: Error) => {
    throw new OpenclawError('ENVIRONMENT_FAILED', `the history could not be written: ${error.message}`, {
      hint: `make room, or choose another folder than ${folder} with --reports`,
    });
  });
}

function describeLoad({ plan: { load, faults } }: Run): string {
  const who =
    load.mode === 'closed'
      ? `${load.connections} concurrent users`
      : `${load.ratePerSecond} requests a second, at most ${load.connections} in flight`;
  const broken = faults.map(({ fault, atMs }) => `${fault} at ${atMs / 1_000} s`).join(', ');
  return `${who}, ${load.durationMs / 1_000} s${broken === '' ? '' : `; ${broken}`}`;
}

function makeHeader({ plan, startedAt, clockSlackUs }: Run, { initial, regions }: System): Header {
  const policy = parsePolicy(plan.policy);
  const slackUs = clockSlackUs ?? (plan.limiter === undefined ? undefined : PLUGIN_SLACK_US);
  return {
    type: 'header',
    format: 'openclaw-history',
    version: 1,
    policy: { capacity: policy.capacityTokens, refill: policy.refill },
    strategy: plan.strategy,
    scenario: plan.scenario,
    seed: plan.seed,
    regions: plan.topology.regions,
    startedAt: startedAt.toISOString(),
    initial,
    refunds: 'none', // no load of ours gives tokens back
    ...(regions === undefined ? { clocks: 'apart' } : {}), // the clock of what is audited is not read
    ...(slackUs !== undefined && { clockSlackUs: slackUs }),
  };
}

/** Clocks are read of nodes, and a plug-in may count in milliseconds of its own. */
const PLUGIN_SLACK_US = 1_000;

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
