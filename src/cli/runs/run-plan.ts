import { join, resolve } from 'node:path';
import { parseClaim } from '../../checker/claims/claim.ts';
import { isOnCorrectness } from '../../checker/claims/evidence-claims.ts';
import { NOT_CHECKED } from '../../checker/findings/notes.ts';
import { given } from '../../core/given.ts';
import { printable } from '../../core/printable.ts';
import type { Promised } from '../../core/promise.ts';
import type { EngineRunOptions } from '../../engines/engine-run.ts';
import type { PlannedLoad } from '../../experiment/drain/planned-demand.ts';
import { prepareRun } from '../../experiment/prepare-run.ts';
import type { RunResult } from '../../experiment/run.ts';
import type { RunOptions } from '../../experiment/run-context.ts';
import { pointLatestAt, writeRunFile } from '../../experiment/run-folder.ts';
import { dropWriter } from '../../experiment/run-writer.ts';
import type { ProvideSystem } from '../../experiment/system.ts';
import { renderJunit } from '../../report/junit.ts';
import { renderMarkdown } from '../../report/markdown.ts';
import { makeReport, type RunReport } from '../../report/report.ts';
import type { Plan } from '../../scenario/plan.ts';
import { CERTIFICATE_FILE, whyNoCertificate, writeCertificate } from '../files/certificate-file.ts';
import { historyWords } from '../files/history-files.ts';
import { readLoad } from '../files/read-load.ts';
import { clusterContext } from '../flags/cluster-flags.ts';
import type { RunFlags } from '../flags/run-options.ts';
import { serverOf } from '../flags/topology-flags.ts';
import { HTML_FILE, runHtml } from '../output/html-file.ts';
import { jsonText, render } from '../output/output.ts';
import { promiseOfPlan } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { exitCodeOfReport } from '../process/exit-codes.ts';
import { commandEnvironment, serviceEnvironment } from '../process/service-environment.ts';
import { showProgress } from '../screen/run-progress.ts';
import { JudgeThread } from '../threads/judge-apart.ts';
import { keepError } from './run-error.ts';

export interface RunRequest {
  readonly plan: Plan;
  /** The command that repeats this run. */
  readonly command: string;
  readonly flags: RunFlags;
  /** The system of an audit; without it the run starts regions. */
  readonly system?: ProvideSystem;
  /** The nodes that run already, of a run on an engine; without them it deploys nodes. */
  readonly found?: NonNullable<EngineRunOptions['found']>;
  /** The promise of the limiter; without it, that of the plan's plug-in. */
  readonly promise?: Promised;
  /** Whether an audit uses real users. */
  readonly areUsersReal?: boolean;
}

/** Runs a plan, prints its report, writes it into the run's folder, and sets the exit code. */
export async function runAndReport(request: RunRequest, environment: Environment): Promise<void> {
  if (!request.plan.claims.map(parseClaim).some(isOnCorrectness)) environment.log(`${NOT_CHECKED}\n`);
  const { report, page } = await makeRun(request, environment);
  try {
    environment.out(render(report, request.flags, environment)); // first: a full disk must not cost the verdict
    await keepReport(report);
    await writeHtml(report, page, environment);
    if (request.flags.certificate === true) await writeProofs(report, page, environment);
  } finally {
    await page.drop();
  }
  environment.setExitCode(
    environment.interrupt.aborted ? environment.interruptCode() : exitCodeOfReport(report),
  );
}

/**
 * What is made of a run's history after its report; until it is dropped, the history stays in memory, and this program
 * counts as the one that writes the run.
 */
interface PageToCome {
  draw(): Promise<string>;
  /** Writes the certificate into the folder of the run. Throws ENVIRONMENT_FAILED and INTERRUPTED. */
  certify(): Promise<void>;
  drop(): Promise<void>;
}

/** Runs a plan in its own folder, which keeps the history, and judges it. */
export async function makeRun(
  request: RunRequest,
  environment: Environment,
): Promise<{ readonly report: RunReport; readonly page: PageToCome }> {
  const { command, flags } = request;
  const { plan: read, recorded } = await readLoad(request.plan, environment);
  const plan = withProcesses(read, flags);
  const promise = request.promise ?? (await promiseOfPlan(plan, environment));
  const { folder, startedAt, play } = await prepareOf(flags)({ ...request, plan }, environment);
  const { areUsersReal } = request;
  await warnOfLoad({ plan, ...given({ promise, recorded, areUsersReal }) }, environment);
  const { onProgress, close } = showProgress(plan, environment);
  const thread = new JudgeThread(environment.interrupt, judgedApart(environment));
  const { check, evidence, latencies, system, loadMs, ...counted } = await play({
    ...{ judgeApart: thread, onProgress },
    shell: { cwd: environment.cwd, env: commandEnvironment(environment) },
    ...(promise && { promise }),
    ...(recorded && { recorded }),
    ...(request.areUsersReal && { areUsersReal: true }),
    ...(flags.clockSlack !== undefined && { clockSlackUs: flags.clockSlack }),
    signal: environment.interrupt,
    onExit: environment.onExit,
    onLeftover: (what) => environment.log(`warning: not undone: ${printable(what)}\n`),
  })
    .finally(close)
    .catch(async (error: unknown) => {
      await thread.close();
      keepError(error, { command, folder }, environment);
      await dropWriter(folder);
      throw error;
    });
  const report = makeReport({
    ...{ plan, command, folder, startedAt: startedAt.toISOString() },
    ...{ system, loadMs: Math.round(loadMs), ...counted, check, latencies },
  });
  const draw = async () => (evidence === undefined ? thread.draw(report) : runHtml(report, evidence));
  const certify = () => {
    const path = join(folder, CERTIFICATE_FILE);
    return evidence === undefined
      ? thread.certify(path)
      : writeCertificate(path, evidence, environment.interrupt);
  };
  const drop = async () => {
    await thread.close();
    await dropWriter(folder);
  };
  return { report, page: { draw, certify, drop } };
}

/** Before the load: what it cannot show is a loss of time. */
async function warnOfLoad(load: PlannedLoad, { log }: Environment): Promise<void> {
  const { undrained } = await import('../../experiment/drain/undrained.ts'); // heavy: not for --help
  const short = undrained(load);
  if (short !== undefined) log(`note: ${printable(short)}\n`);
}

/** A run that is checked and has a folder. */
interface PreparedRun extends Pick<RunOptions, 'folder' | 'startedAt'> {
  play(
    options: Omit<RunOptions, 'plan' | 'folder' | 'startedAt' | 'provide' | 'judgeApart'> & {
      readonly judgeApart: JudgeThread;
    },
  ): Promise<RunResult>;
}

type Prepare = (request: RunRequest, environment: Environment) => Promise<PreparedRun>;

function prepareOf({ simulate, engine }: RunFlags): Prepare {
  if (simulate) return prepareSimulated;
  return engine === undefined ? prepareHere : prepareOnEngine;
}

/** In regions of this machine, or on a system that runs already. */
async function prepareHere(request: RunRequest, environment: Environment): Promise<PreparedRun> {
  const { plan, flags, system } = request;
  const { name, provider, reports } = flags;
  const prepared = await prepareRun(
    {
      ...{ plan, reports: resolve(environment.cwd, reports) },
      cluster: { name, provider, ...serverOf(flags, environment) },
      serviceEnv: serviceEnvironment(environment),
      ...(system && { system }),
    },
    clusterContext(environment),
  );
  const { runPlan } = await import('../../experiment/run.ts'); // heavy: not for --help, nor for the children
  return { ...prepared, play: (options) => runPlan({ ...prepared, ...options, loadProgram: LOAD_PROGRAM }) };
}

/** On the machines of an engine. */
async function prepareOnEngine(request: RunRequest, environment: Environment): Promise<PreparedRun> {
  const { prepareEngineRun, runOnEngine } = await import('./engine-run.ts');
  const prepared = await prepareEngineRun(request, environment);
  return {
    ...prepared,
    play: ({ judgeApart, ...options }) =>
      runOnEngine({ ...prepared, ...options, judge: (files, by) => judgeApart.judge(files, by) }),
  };
}

/** In virtual time. */
async function prepareSimulated(request: RunRequest, environment: Environment): Promise<PreparedRun> {
  const { prepareSimulation, simulatePlan } = await import('./simulated-run.ts');
  const { release, ...prepared } = await prepareSimulation(request, environment);
  return { ...prepared, play: (options) => simulatePlan({ ...options, ...prepared }).finally(release) };
}

const LOAD_PROGRAM = new URL('../process/load-process.js', import.meta.url);

/** The plan with the processes that these flags name instead of its own. */
function withProcesses(plan: Plan, { loadProcesses: processes }: RunFlags): Plan {
  return processes === undefined ? plan : { ...plan, load: { ...plan.load, processes } };
}

/** For tests: longer runs than this many operations are judged in their own thread. */
function judgedApart({ env }: Environment): { above?: number } {
  const from = env.OPENCLAW_RL_JUDGE_APART;
  return from === undefined ? {} : { above: Number(from) };
}

/** Writes a report into the folder of its run, in every format. */
export async function keepReport(report: RunReport): Promise<void> {
  const { folder } = report;
  await writeRunFile(folder, 'report.json', jsonText(report));
  await pointLatestAt(folder);
  await writeRunFile(folder, 'report.md', renderMarkdown(report));
  await writeRunFile(folder, 'junit.xml', renderJunit(report));
}

/** A failure to write the page changes neither the verdict nor the exit code: `report --html` can write it later. */
async function writeHtml(report: RunReport, page: PageToCome, environment: Environment): Promise<void> {
  try {
    await writeRunFile(report.folder, HTML_FILE, await page.draw());
  } catch (error) {
    environment.log(
      `warning: no ${HTML_FILE}: ${printable(error instanceof Error ? error.message : String(error))}\n`,
    );
  }
}

/**
 * An interrupted run has none: its verdict is unknown. Neither has a run that has lost a part. Throws ENVIRONMENT_FAILED
 * and INTERRUPTED.
 */
export async function writeProofs(
  report: Pick<RunReport, 'folder' | 'parts'>,
  page: Pick<PageToCome, 'certify'>,
  environment: Pick<Environment, 'interrupt' | 'log'>,
): Promise<void> {
  const { interrupt, log } = environment;
  const lack = whyNoCertificate(report.parts);
  if (lack === undefined && !interrupt.aborted) return page.certify();
  const history = historyWords(report.folder).join(' ');
  log(
    lack === undefined
      ? `no ${CERTIFICATE_FILE}: the run was interrupted; to write one: openclaw-rl check ${history} --certificate certificate.ndjson.gz\n`
      : `no ${CERTIFICATE_FILE}: ${printable(lack)}\n`,
  );
}
