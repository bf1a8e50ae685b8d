import { setTimeout as sleep } from 'node:timers/promises';
import { invalidOption } from '../../core/errors.ts';
import { type Answer, exchange } from '../../regions/network/exchange.ts';
import { knock } from '../../regions/network/knock.ts';
import { type Endpoint, nodesOf } from '../../regions/provider.ts';
import type { CommandSpec } from '../../scenario/faults/command.ts';
import type { FaultName } from '../../scenario/faults/index.ts';
import type { ProbeName, ProbeSpec } from '../../scenario/faults/probe-spec.ts';
import type { PlannedFault } from '../../scenario/plan.ts';
import { formatDuration } from '../../scenario/units.ts';
import type { FaultContext } from '../support/fault.ts';
import { runCommand } from '../support/shell.ts';
import { named, other, processOf, roleOf } from './node.ts';
import { allOf, type MakeProbe, type Probe, type ProbeContext, type Sight } from './probe.ts';

/** A command of the user that succeeds, or one of our own looks; undefined if the fault names neither. */
export const commandProbe: MakeProbe<CommandSpec> = async (spec, context) => {
  const { proof, probe } = spec;
  if (proof !== undefined) return bySucceeding(proof, spec, context);
  return probe && MAKE[probe.probe](probe, context);
};

type Make = (probe: ProbeSpec, context: ProbeContext) => Promise<Probe>;

const MAKE: { readonly [Name in ProbeName]: Make } = {
  unreachable: (probe, context) => unreachable(placesOf(probe, context)),
  latency: (probe, context) => slower(placesOf(probe, context), probe.byMs ?? 0),
  failover: (probe, context) => roleChanged(nodesAt(probe, context), context),
  restart: (probe, context) => restarted(nodesAt(probe, context), context),
};

/** It must fail before the fault: what succeeds without it proves nothing. */
async function bySucceeding(
  text: string,
  { cwd, limitMs }: CommandSpec,
  { shell, signal }: FaultContext,
): Promise<Probe> {
  if (shell === undefined) throw invalidOption('there is no folder for the output of its commands');
  const run = () =>
    runCommand({ ...shell, cwd: cwd ?? shell.cwd }, { phase: 'proof', text, limitMs, signal });
  const before = await run();
  return {
    looks: 'throughout',
    async look() {
      if (before.isOk) return { bit: false, saw: 'its proof succeeded before the fault, too' };
      const { isOk, how } = await run();
      return { bit: isOk, saw: isOk ? 'its proof succeeded' : `its proof did not succeed: ${how}` };
    },
  };
}

interface Place {
  readonly name: string;
  /** Whether it answers, and how long that took. */
  readonly ask: (withinMs: number) => Promise<Answer>;
}

/** The nodes of a region, or a node. */
function nodesAt({ region, node }: ProbeSpec, { regions }: FaultContext): string[] {
  if (node !== undefined) return [node];
  return region === undefined ? [] : nodesOf(regions.topology, region).map(({ name }) => name);
}

function placesOf(probe: ProbeSpec, context: FaultContext): Place[] {
  const { regions } = context;
  const nodes = nodesAt(probe, context);
  if (nodes.length > 0)
    return nodes.map((name) => ({
      name,
      ask: (withinMs) => exchange(['PING'], { to: regions.direct(name), withinMs }),
    }));
  const region = probe.service ?? probe.region ?? '';
  const to: Endpoint | undefined = context.services?.[region];
  if (to === undefined) throw invalidOption(`no service of ${region} is known`);
  return [{ name: `the service of ${region}`, ask: (withinMs) => knock(to, withinMs) }];
}

const PATIENCE_MS = 1_500;

/** None answers. */
async function unreachable(places: readonly Place[]): Promise<Probe> {
  const look = () =>
    Promise.all(places.map(async ({ name, ask }) => ({ name, ...(await ask(PATIENCE_MS)) })));
  const silent = (await look()).find(({ isAnswered }) => !isAnswered);
  return {
    looks: 'throughout',
    async look() {
      if (silent !== undefined) return { bit: false, saw: `${silent.name} did not answer before, too` };
      const answered = (await look()).find(({ isAnswered }) => isAnswered);
      if (answered !== undefined) return { bit: false, saw: `${answered.name} answers` };
      return { bit: true, saw: `no reply from ${places.map(({ name }) => name).join(', ')}` };
    },
  };
}

const TRIPS = 5;

/** The median round trip of each grew by at least that. A connection that fails is no slow one. */
async function slower(places: readonly Place[], byMs: number): Promise<Probe> {
  const ask = (place: Place, withinMs: number) =>
    Promise.all(Array.from({ length: TRIPS }, () => place.ask(withinMs)));
  const before = await Promise.all(places.map(async (place) => medianOf(await ask(place, PATIENCE_MS))));
  const lookAt = async (place: Place, at: number): Promise<Sight> => {
    const wasMs = before[at];
    if (wasMs === undefined) return { bit: false, saw: `${place.name} did not answer before, too` };
    const answers = await ask(place, PATIENCE_MS + byMs);
    const broken = answers.filter(({ isBroken }) => isBroken).length;
    if (broken > 0) return { bit: false, saw: `${broken} of ${TRIPS} connections to ${place.name} failed` };
    const nowMs = medianOf(answers);
    const now = nowMs === undefined ? 'longer' : `${nowMs.toFixed(1)} ms`;
    return {
      bit: nowMs === undefined || nowMs - wasMs >= byMs,
      saw: `${place.name} took ${wasMs.toFixed(1)} ms before and ${now} now`,
    };
  };
  return { looks: 'throughout', look: async () => allOf(await Promise.all(places.map(lookAt))) };
}

/** Undefined if most had no answer. */
function medianOf(answers: readonly Answer[]): number | undefined {
  const trips = answers.flatMap(({ isAnswered, ms }) => (isAnswered ? [ms] : []));
  return trips.sort((a, b) => a - b)[Math.floor(TRIPS / 2)];
}

/** A replica became a primary, or the reverse, and no other fault can have caused that. */
async function roleChanged(
  nodes: readonly string[],
  { regions, others }: Pick<ProbeContext, 'regions' | 'others'>,
): Promise<Probe> {
  const look = () => Promise.all(nodes.map(async (node) => ({ node, role: await roleOf(node, regions) })));
  const before = await look();
  return {
    looks: 'in the end',
    async look() {
      const now = (await look()).map(({ node, role }, at) => ({ node, role, was: before[at]?.role }));
      const changed = now.find(({ role, was }) => role !== undefined && was !== undefined && role !== was);
      const texts = (changed === undefined ? now : [changed]).map(({ node, role, was }) =>
        role === was
          ? `${node} is ${named(role)}, as before`
          : `${node} was ${named(was)} and is ${named(role)}`,
      );
      return doubted({ bit: changed !== undefined, saw: texts.join('; ') }, others());
    },
  };
}

/** Another fault may have caused what a look saw: then it proves nothing. */
function doubted({ bit, saw }: Sight, causes: readonly PlannedFault[]): Sight {
  if (!bit || causes.length === 0) return { bit, saw };
  const names = new Set(causes.map(({ fault, atMs }) => `${fault} at ${atMs / 1_000} s`));
  return { bit: false, saw: `${saw}, but perhaps because of ${[...names].join(', ')}` };
}

const OF_PROCESSES: ReadonlySet<FaultName> = new Set(['kill', 'restart', 'restart-empty', 'pause']);

/** Whether a fault may silence or end the process of one of these nodes; of commands that is not known. */
function endsOneOf(nodes: readonly string[], fault: PlannedFault): boolean {
  if (fault.fault === 'command') return true;
  return OF_PROCESSES.has(fault.fault) && 'node' in fault && nodes.includes(fault.node);
}

/** A process that is started in the end may answer only after its heal. */
const STARTED_MS = 10_000;
const POLL_MS = 100;

/** Each is down or another process than before, and after the heal it is another process. */
async function restarted(
  nodes: readonly string[],
  { regions, others }: Pick<ProbeContext, 'regions' | 'others'>,
): Promise<Probe> {
  const look = () => Promise.all(nodes.map((node) => processOf(node, regions)));
  const before = await look();
  const compare = (found: readonly (string | undefined)[], silent: (node: string) => Sight) =>
    allOf(
      nodes.map((node, at) => {
        const [was, now] = [before[at], found[at]];
        if (was === undefined) return { bit: false, saw: `${node} did not answer before, too` };
        return now === undefined ? silent(node) : other(node, { before: was, now });
      }),
    );
  const causes = () => others().filter((fault) => endsOneOf(nodes, fault));
  let isAnother = false;
  return {
    looks: 'in the end',
    async look() {
      const found = await look();
      const sight = compare(found, (node) => ({ bit: true, saw: `${node} does not answer` }));
      const proved = doubted(sight, causes());
      isAnother = proved.bit && !found.includes(undefined);
      return proved;
    },
    async lookHealed() {
      const untilMs = performance.now() + STARTED_MS;
      let found = await look();
      while (found.includes(undefined) && performance.now() < untilMs) {
        await sleep(POLL_MS);
        found = await look();
      }
      const late = `does not answer ${formatDuration(STARTED_MS)} after its heal`;
      const sight = compare(found, (node) => ({ bit: false, saw: `${node} ${late}` }));
      return isAnother ? sight : doubted(sight, causes());
    },
  };
}
