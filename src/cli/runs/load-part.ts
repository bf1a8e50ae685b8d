import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { invalidOption } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { printable } from '../../core/printable.ts';
import { ClockPings } from '../../experiment/parts/clock-pings.ts';
import { machineId } from '../../experiment/parts/machine-id.ts';
import type { PartOfRun } from '../../experiment/parts/part-of-run.ts';
import { planDigest, runId } from '../../experiment/parts/plan-digest.ts';
import { checkNewFile, type RecordedPart, runPart } from '../../experiment/parts/run-part.ts';
import { checkTaken, type SentPart, sendPart } from '../../experiment/parts/send-part.ts';
import { startTime } from '../../experiment/parts/start-time.ts';
import { usersOf } from '../../experiment/play-run.ts';
import type { ProvideSystem } from '../../experiment/system.ts';
import { MOST_PARTS } from '../../history/records/part.ts';
import { DEFAULT_PREFIX } from '../../limiter/options/key.ts';
import { connectionsOf, type LoadPart, parsePart, partName, partsOf } from '../../load/parts.ts';
import type { Plan } from '../../scenario/plan.ts';
import { type LoadedPlan, readLoad } from '../files/read-load.ts';
import { OF_REQUESTS } from '../flags/refuse-typed.ts';
import { promiseOfPlan } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { commandEnvironment } from '../process/service-environment.ts';
import { showProgress } from '../screen/run-progress.ts';
import type { RunRequest } from './run-plan.ts';
import { planScenario, type TypedScenario } from './scenario-run.ts';

export interface PartFlags {
  /** As typed. */
  readonly part: string;
  readonly startAt: string;
  /** The URL of the clock endpoint. */
  readonly url: string;
  readonly out?: string;
  readonly send?: boolean;
  readonly run?: string;
  readonly task?: string;
  readonly control?: boolean;
  /** The URL of a gateway that runs already. */
  readonly gateway?: string;
}

/** The services of a region start and warm up in this time, on a quiet machine. */
const LEAST_AHEAD_MS = 5_000;

/** A part that was sent and recorded, as `load` prints it. */
export interface LoadedPart extends RecordedPart {
  readonly part: PartOfRun;
  /** Where the clock endpoint keeps it. */
  readonly accepted?: string;
}

type Planned = Pick<RunRequest, 'promise' | 'areUsersReal'> & LoadedPlan & { readonly system: ProvideSystem };

/** Sends one part of the load of a scenario. Bad input is refused before anything is started. */
export async function loadPart(
  typed: TypedScenario,
  flags: PartFlags,
  environment: Environment,
): Promise<LoadedPart> {
  const asPart = { ...typed, ofServices: OF_REQUESTS, checkPlan: (plan: Plan) => checkPlan(plan, flags) };
  const { system, ...planned } = await planScenario(asPart, environment);
  if (system === undefined) throw invalidOption('a part needs a system that runs already', 'add --endpoints');
  const loaded = await readLoad(planned.plan, environment);
  const shares = sharesOf(flags, loaded.plan);
  const target = await fileOf(flags, environment);
  let pings: ClockPings | undefined;
  let isKept = false;
  try {
    pings = await ClockPings.start(flags.url, environment.interrupt);
    if (flags.send) await checkTaken(clockOf(flags, environment), environment.interrupt);
    const part = await planPart(flags, environment, { ...shares, ...loaded, file: target.file, pings });
    const onLoad = () => {
      isKept = true;
    };
    const recorded = await runIn(part, { ...planned, ...loaded, system, onLoad }, environment);
    const { file, header } = part;
    const accepted = flags.send
      ? await sendPart({ ...clockOf(flags, environment), file, part: header }, environment.interrupt)
      : undefined;
    isKept = false;
    return { ...recorded, part, ...(accepted !== undefined && { accepted }) };
  } finally {
    await pings?.stop();
    await target.end(isKept);
  }
}

function checkPlan({ faults, scenario, homes }: Plan, { gateway }: PartFlags): void {
  if (homes && gateway !== undefined)
    throw invalidOption(
      `--gateway cannot be used with homes, which ${printable(scenario)} has`,
      'leave out --gateway, or the homes',
    );
  if (faults.length === 0) return;
  throw invalidOption(
    `${printable(scenario)} has faults, and \`load\` injects none`,
    'take a scenario without faults, and break the system by commands of your own meanwhile',
  );
}

interface Shares {
  readonly share: LoadPart;
  /** The names of all parts. */
  readonly of: readonly string[];
}

/** Throws INVALID_OPTION for a part that the plan does not have, or that has no connection. */
function sharesOf({ part }: PartFlags, { topology: { regions }, load: { connections } }: Plan): Shares {
  const share = parsePart(part, regions);
  connectionsOf([share], { connections, regions });
  const of = partsOf(regions, share.of).map(partName);
  if (of.length <= MOST_PARTS) return { share, of };
  throw invalidOption(`a run has at most ${MOST_PARTS} parts; --part ${printable(part)} makes ${of.length}`);
}

/** The file of the part; without --out it is a temporary one, which is kept if load is in it that was not accepted. */
async function fileOf(
  { out, part }: PartFlags,
  { cwd, log }: Environment,
): Promise<{ readonly file: string; end(isKept: boolean): Promise<void> }> {
  if (out !== undefined) {
    const file = resolve(cwd, out);
    await checkNewFile(file);
    return { file, end: async () => {} };
  }
  const folder = await mkdtemp(join(tmpdir(), 'openclaw-rl-part-'));
  const file = join(folder, `${part.replace(/\W/g, '-')}.ndjson.gz`);
  const exists = () =>
    access(file).then(
      () => true,
      () => false,
    );
  return {
    file,
    async end(isKept) {
      if (!isKept || !(await exists())) await rm(folder, { recursive: true, force: true });
      else log(`the requests that were sent are in ${printable(file)}\n`);
    },
  };
}

async function planPart(
  flags: PartFlags,
  environment: Environment,
  { share, of, plan, recorded, file, pings }: Shares & LoadedPlan & { file: string; pings: ClockPings },
): Promise<PartOfRun> {
  const { run, task, startAt, control, gateway } = flags;
  const { token } = clockOf(flags, environment);
  const startMs = startTime(startAt, { nowMs: pings.first.wallMs, leastMs: LEAST_AHEAD_MS });
  const users = usersOf({ plan, ...(recorded && { recorded }) });
  const plugin = plan.limiter === undefined ? undefined : await readFile(plan.limiter, 'utf8');
  const digest = planDigest({
    plan,
    users,
    of,
    ...(recorded && { recorded }),
    ...(plugin !== undefined && { plugin }),
  });
  const id = runId(digest, startMs, run);
  const name = partName(share);
  return {
    header: {
      run: id,
      plan: digest,
      name,
      of,
      machine: machineId(environment.env.OPENCLAW_RL_MACHINE),
      ...(task !== undefined && { task }),
      ...(control === true && { control }),
    },
    prefix: `${DEFAULT_PREFIX}:${id}`,
    ...given({ gateway, token }),
    ...{ share, file, pings, startMs },
  };
}

async function runIn(
  part: PartOfRun,
  { plan, recorded, system, promise, areUsersReal, onLoad }: Planned & { onLoad(): void },
  environment: Environment,
): Promise<RecordedPart> {
  const promised = promise ?? (await promiseOfPlan(plan, environment));
  const { onProgress, close } = showProgress(plan, environment, { isPart: true });
  return runPart({
    ...{ plan, part, provide: system },
    onProgress: (progress) => {
      if (progress.stage === 'load') onLoad();
      onProgress(progress);
    },
    ...given({ promise: promised, recorded, areUsersReal }),
    startedAt: new Date(part.startMs),
    shell: { cwd: environment.cwd, env: commandEnvironment(environment) },
    signal: environment.interrupt,
    onExit: environment.onExit,
    onLogs: (logs) => environment.log(`the logs of the services are in ${printable(logs)}\n`),
    onLeftover: (what) => environment.log(`warning: not undone: ${printable(what)}\n`),
  }).finally(close);
}

function clockOf(
  { url }: PartFlags,
  { env: { OPENCLAW_RL_TOKEN: token } }: Environment,
): Pick<SentPart, 'url' | 'token'> {
  return { url, ...(token && { token }) };
}
