import { basename, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Command, Option } from 'commander';
import { type Claim, explainClaim, parseClaim } from '../checker/claim.ts';
import { EVIDENCE_BROUGHT, isOnCorrectness } from '../checker/evidence-claims.ts';
import { NOT_CHECKED } from '../checker/notes.ts';
import { phasesOf } from '../checker/phases.ts';
import type { Promised } from '../checker/promise.ts';
import { OpenclawError, printable, quoted } from '../core/errors.ts';
import { makeRunFolder, pointLatestAt, writeRunFile } from '../experiment/run-folder.ts';
import { type ProvideSystem, regionsSystem } from '../experiment/system.ts';
import { checkFault } from '../faults/check.ts';
import type { FaultRecord } from '../history/operation.ts';
import { DEFAULT_PREFIX } from '../limiter/key.ts';
import type { Regions } from '../regions/provider.ts';
import { planTopology } from '../regions/topology.ts';
import { renderJunit } from '../report/junit.ts';
import { renderMarkdown } from '../report/markdown.ts';
import { makeReport, type RunReport } from '../report/report.ts';
import type { Plan, PlannedFault } from '../scenario/plan.ts';
import type { ProviderName } from './choose-provider.ts';
import { type ClockSlackFlags, clockSlackOption } from './clock-slack.ts';
import { bringUp, clusterStore, DEFAULT_CLUSTER, findRunning, sweep } from './cluster.ts';
import { isProvider, runsServer } from './differing-flags.ts';
import type { Environment } from './environment.ts';
import { exitCodeOfReport } from './exit-codes.ts';
import { HTML_FILE, runHtml } from './html-file.ts';
import { promiseOfPlan } from './limiter-plugin.ts';
import { type Format, formatOption, jsonText, render } from './output.ts';
import { showProgress } from './run-progress.ts';
import { serviceEnvironment } from './service-environment.ts';
import { JudgeThread } from './threads/judge-apart.ts';

/** What the commands that make a run take besides its plan. */
export interface RunFlags extends ClockSlackFlags {
  readonly format: Format;
  readonly json: boolean;
  readonly name: string;
  readonly reports: string;
  /** The server program for a cluster that is brought up for this run. */
  readonly server?: string;
  readonly provider: ProviderName;
}

export function runOptions(command: Command): Command {
  return command
    .option(
      '--name <name>',
      'run on this cluster if it is up and is as the run wants it, and leave it up',
      DEFAULT_CLUSTER,
    )
    .option('--reports <folder>', 'runs are kept in here', 'reports')
    .addOption(
      clockSlackOption(
        "what the limiter's clock may be off beside what is read of it: 1ms of a --target and a --limiter, else 0",
      ),
    )
    .addOption(formatOption())
    .option('--json', 'the same as --format json', false);
}

/** What `claimOption` gives. */
export interface ClaimFlags {
  readonly claim?: readonly string[];
}

export function claimOption(): Option {
  return new Option(
    '--claim <claim>',
    `what the run must show, like 'total-excess <= bound'; repeatable, instead of what is claimed otherwise; one on correctness brings ${EVIDENCE_BROUGHT} with it`,
  ).argParser((text: string, sofar: readonly string[] = []) => {
    parseClaim(text);
    return [...sofar, text];
  });
}

export interface RunRequest {
  readonly plan: Plan;
  /** The command that makes this run again. */
  readonly command: string;
  readonly flags: RunFlags;
  /** Instead of regions of ours: what somebody else runs. */
  readonly system?: ProvideSystem;
  /** What the limiter claims to enforce, where that is not for the plug-in of the plan to say. */
  readonly promise?: Promised;
  /** Of an audit by real users. */
  readonly areUsersReal?: boolean;
}

/** Runs a plan, writes what came of it into a folder of its own, prints it, and sets the exit code. */
export async function runAndReport(request: RunRequest, environment: Environment): Promise<void> {
  if (!request.plan.claims.map(parseClaim).some(isOnCorrectness)) environment.log(`${NOT_CHECKED}\n`);
  const { report, page } = await makeRun(request, environment);
  try {
    environment.out(render(report, request.flags, environment)); // first: a full disk must not cost the verdict
    await keepReport(report);
    await writeHtml(report, page, environment);
  } finally {
    await page.drop();
  }
  environment.setExitCode(
    environment.interrupt.aborted ? environment.interruptCode() : exitCodeOfReport(report),
  );
}

/** The page of a run, to be drawn or dropped: until then what was recorded is held. */
interface PageToCome {
  draw(): Promise<string>;
  drop(): Promise<void>;
}

/** Runs a plan in a folder of its own, its history kept there, and judges it. */
export async function makeRun(
  request: RunRequest,
  environment: Environment,
): Promise<{ readonly report: RunReport; readonly page: PageToCome }> {
  const { plan, command, flags } = request;
  const promise = request.promise ?? (await promiseOfPlan(plan, environment));
  refuseContainers(request);
  const startedAt = new Date();
  const claims = plan.claims.map(parseClaim);
  checkPhases(claims, plan.faults);
  for (const fault of plan.faults) checkFault(fault, planTopology(plan.topology));
  for (const claim of claims) environment.log(`claim: ${printable(explainClaim(claim))}\n`);
  const folder = await makeRunFolder(
    resolve(environment.cwd, flags.reports),
    startedAt,
    `${plan.scenario}-${plan.seed}`,
  );
  const provide = request.system ?? (await chooseRegions(request, folder, environment));
  const { runPlan } = await import('../experiment/run.ts'); // heavy: not for --help, nor for the children
  const { onProgress, close } = showProgress(plan, environment);
  const thread = new JudgeThread(environment.interrupt, judgedApart(environment));
  const result = await runPlan({
    judgeApart: thread,
    ...{ plan, folder, startedAt, provide, onProgress },
    ...(promise && { promise }),
    ...(request.areUsersReal && { areUsersReal: true }),
    ...(flags.clockSlack !== undefined && { clockSlackUs: flags.clockSlack }),
    signal: environment.interrupt,
    onLeftover: (what) => environment.log(`warning: not undone: ${printable(what)}\n`),
  })
    .finally(close)
    .catch(async (error: unknown) => {
      await thread.close();
      throw error;
    });
  const report = makeReport({
    ...{ plan, command, folder },
    startedAt: startedAt.toISOString(),
    system: result.system,
    loadMs: Math.round(result.loadMs),
    ...(result.redisCalls !== undefined && { redisCalls: result.redisCalls }),
    ...(result.warmUp && { warmUp: result.warmUp }),
    check: result.check,
    latencies: result.latencies,
  });
  const { evidence } = result;
  const draw = async () => (evidence === undefined ? thread.draw(report) : runHtml(report, evidence));
  return { report, page: { draw, drop: () => thread.close() } };
}

/** For tests: from how many operations on a run is judged in a thread of its own. */
function judgedApart({ env }: Environment): { above?: number } {
  const from = env.OPENCLAW_RL_JUDGE_APART;
  return from === undefined ? {} : { above: Number(from) };
}

/** Writes a report beside its history, as everything that reads runs expects it. */
export async function keepReport(report: RunReport): Promise<void> {
  const { folder } = report;
  await writeRunFile(folder, 'report.json', jsonText(report));
  await pointLatestAt(folder);
  await writeRunFile(folder, 'report.md', renderMarkdown(report));
  await writeRunFile(folder, 'junit.xml', renderJunit(report));
}

/** A page that cannot be made costs neither the verdict nor its exit code: `report --html` makes it again. */
async function writeHtml(report: RunReport, page: PageToCome, environment: Environment): Promise<void> {
  try {
    await writeRunFile(report.folder, HTML_FILE, await page.draw());
  } catch (error) {
    environment.log(
      `warning: no ${HTML_FILE}: ${printable(error instanceof Error ? error.message : String(error))}\n`,
    );
  }
}

/** Throws INVALID_CLAIM for a claim on a phase that the faults of a plan do not make. */
function checkPhases(claims: readonly Claim[], faults: readonly PlannedFault[]): void {
  const records = faults.flatMap(({ fault, atMs, forMs }): FaultRecord[] => [
    { type: 'fault', fault, phase: 'inject', atUs: 1_000 * atMs },
    { type: 'fault', fault, phase: 'heal', atUs: 1_000 * (atMs + forMs) },
  ]);
  const names = new Set(phasesOf(records).map(({ name }) => name));
  const unknown = claims.find(({ phase }) => phase !== undefined && !names.has(phase));
  if (unknown === undefined) return;
  throw new OpenclawError(
    'INVALID_CLAIM',
    `claim ${quoted(unknown.text)}: this run has no phase of that name; it has: ${[...names].join(', ')}`,
  );
}

/** A plug-in is a file of this machine, with packages beside it: a container has neither. */
function refuseContainers({ plan, flags }: RunRequest): void {
  if (plan.limiter === undefined || flags.provider !== 'docker') return;
  throw new OpenclawError('INVALID_OPTION', 'a plug-in runs in local regions only, not in containers', {
    hint: 'leave out --provider docker',
  });
}

/** The cluster of that name if it is up and fits, else one that ends with the run. */
async function chooseRegions(
  { plan, flags }: RunRequest,
  folder: string,
  environment: Environment,
): Promise<ProvideSystem> {
  const store = clusterStore(environment);
  const topology = planTopology(plan.topology);
  const steppableClocks = plan.faults.some(({ fault }) => fault === 'node-clock');
  const prefix = `${DEFAULT_PREFIX}:${basename(folder)}`; // fresh keys: every bucket begins full
  const running = await findRunning(store, flags.name);
  const provider = plan.limiter === undefined ? flags.provider : 'local';
  const fits =
    running !== undefined &&
    isDeepStrictEqual(running.state.topology, topology) &&
    runsServer(running.state, flags.server, environment) &&
    isProvider(running.state, provider) &&
    !steppableClocks;
  if (running !== undefined && !fits)
    environment.log(`cluster ${flags.name} is up, but not as this run wants it: it brings up its own\n`);
  if (fits) await sweep(environment, store, { asked: [], unknownContainers: false }); // bringing one up does it too
  const provide = async (): Promise<{ regions: Regions; isOurs: boolean }> => {
    if (fits) return { regions: running.regions, isOurs: false };
    const { seed } = plan;
    const name = `run-${process.pid}`;
    const { server } = flags;
    const request = { name, topology, lifetime: 'run', steppableClocks, seed, provider } as const;
    const regions = await bringUp(environment, { ...request, ...(server !== undefined && { server }) });
    return { regions, isOurs: true };
  };
  const onTaken = () => store.noteRun(flags.name, { policy: plan.policy, prefix }); // not a run that is refused
  const env = serviceEnvironment(environment);
  return regionsSystem({ self: environment.self, env, prefix, provide, onTaken });
}
