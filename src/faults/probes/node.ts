import type { Redis } from 'ioredis';
import { readServerTime } from '../../regions/cluster/server-time.ts';
import { exchange } from '../../regions/network/exchange.ts';
import type { FailoverSpec } from '../../scenario/faults/failover.ts';
import type { KillSpec } from '../../scenario/faults/kill.ts';
import type { NodeClockSpec } from '../../scenario/faults/node-clock.ts';
import type { PauseSpec } from '../../scenario/faults/pause.ts';
import type { RestartSpec } from '../../scenario/faults/restart.ts';
import type { RestartEmptySpec } from '../../scenario/faults/restart-empty.ts';
import { ask } from '../support/ask.ts';
import type { FaultContext } from '../support/fault.ts';
import type { MakeProbe, Probe, Sight } from './probe.ts';

type Regions = FaultContext['regions'];

const PATIENCE_MS = 1_500;

/** No answer, or another process answers. */
export const killProbe: MakeProbe<KillSpec> = async ({ node }, { regions }) => {
  const before = await processOf(node, regions);
  return {
    looks: 'throughout',
    async look() {
      if (before === undefined) return { bit: false, saw: `${node} did not answer before the fault, too` };
      const now = await processOf(node, regions);
      if (now === undefined) return { bit: true, saw: `${node} does not answer` };
      return other(node, { before, now });
    },
  };
};

/** Another process answers. */
export const restartProbe: MakeProbe<RestartSpec | RestartEmptySpec> = async ({ node }, { regions }) => {
  const before = await processOf(node, regions);
  return {
    looks: 'after the heal',
    async look() {
      const now = await processOf(node, regions);
      if (now === undefined) return { bit: false, saw: `${node} does not answer` };
      return other(node, { before, now });
    },
  };
};

export function other(node: string, { before, now }: { before: string | undefined; now: string }): Sight {
  return now === before
    ? { bit: false, saw: `the same process of ${node} answers as before` }
    : { bit: true, saw: `another process of ${node} answers than before` };
}

/** Connections are accepted, and no answer comes. */
export const pauseProbe: MakeProbe<PauseSpec> = async ({ node }, { regions }) => {
  const before = await processOf(node, regions);
  return {
    looks: 'throughout',
    async look() {
      if (before === undefined) return { bit: false, saw: `${node} did not answer before the fault, too` };
      const to = regions.direct(node);
      const { isConnected, isAnswered } = await exchange(['PING'], { to, withinMs: PATIENCE_MS });
      if (isAnswered) return { bit: false, saw: `${node} answers` };
      if (!isConnected) return { bit: false, saw: `${node} accepts no connection, so it has ended` };
      return { bit: true, saw: `${node} accepts connections and does not answer` };
    },
  };
};

/** The replica has become the primary. */
export const failoverProbe: MakeProbe<FailoverSpec> = async ({ node }, { regions }) => {
  const before = await roleOf(node, regions);
  return {
    looks: 'at once',
    async look() {
      const now = await roleOf(node, regions);
      return {
        bit: before === 'slave' && now === 'master',
        saw: `${node} was ${named(before)} and is ${named(now)}`,
      };
    },
  };
};

/** `master` or `slave`; undefined without an answer. */
export function roleOf(node: string, regions: Regions): Promise<string | undefined> {
  return askOr(node, regions, async (client) => String((await client.role())[0]));
}

export function named(role: string | undefined): string {
  return role === 'master' ? 'a primary' : role === 'slave' ? 'a replica' : 'silent';
}

/** Its clock moved by at least half of the step, compared with the clock of this machine. */
export const nodeClockProbe: MakeProbe<NodeClockSpec> = async ({ node, stepMs }, { regions }) => {
  const aheadMs = () =>
    askOr(node, regions, async (client) => {
      const { serverUs, atUs } = await readServerTime(client, () => Date.now() * 1_000);
      return (serverUs - atUs) / 1_000;
    });
  return clockProbe(node, { clock: `the clock of ${node}`, aheadMs, stepMs });
};

interface SteppedClock {
  readonly clock: string;
  /** How far it is ahead of this machine's; undefined without an answer. */
  readonly aheadMs: () => Promise<number | undefined>;
  readonly stepMs: number;
}

/** The clock itself moved by at least half of the step, in its direction. */
export async function clockProbe(whose: string, { clock, aheadMs, stepMs }: SteppedClock): Promise<Probe> {
  const before = await aheadMs();
  return {
    looks: 'throughout',
    async look() {
      const now = await aheadMs();
      if (before === undefined || now === undefined)
        return { bit: false, saw: `${whose} does not tell its time` };
      if (stepMs === 0) return { bit: false, saw: 'it moves no clock' };
      const byMs = now - before;
      return {
        bit: byMs * Math.sign(stepMs) >= Math.abs(stepMs) / 2,
        saw: `${clock} moved by ${Math.round(byMs)} ms`,
      };
    },
  };
}

/** The id of the process that answers. */
export function processOf(node: string, regions: Regions): Promise<string | undefined> {
  return askOr(node, regions, async (client) => /run_id:(\w+)/.exec(await client.info('server'))?.[1]);
}

/** Undefined without an answer. */
async function askOr<T>(
  node: string,
  regions: Regions,
  question: (client: Redis) => Promise<T>,
): Promise<T | undefined> {
  return ask(node, regions, question).catch(() => undefined);
}
