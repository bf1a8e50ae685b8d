import { createHash } from 'node:crypto';
import type { Script } from '../../src/limiter/redis/script.ts';
import type { RoleEvent } from '../../src/regions/cluster/role-watch.ts';
import { SimulatedNetwork } from '../../src/simulation/network/simulated-network.ts';
import type { End } from '../../src/simulation/network.ts';
import type { Answer, Command } from '../../src/simulation/nodes/messages.ts';
import { SimulatedCluster } from '../../src/simulation/nodes/simulated-cluster.ts';
import type { NodesOptions, SimulatedNodes } from '../../src/simulation/nodes/simulated-nodes.ts';
import { ScriptEngine } from '../../src/simulation/scripts/engine.ts';
import { SimulatedOnePrimary } from '../../src/simulation/sentinel/one-primary.ts';
import { VirtualTime } from '../../src/simulation/virtual-time.ts';
import { DEFAULT_TOPOLOGY, planTopology, type TopologyOptions } from '../../src/topology/topology.ts';

/** A simulated cluster whose scripts count, and clients of it. */
export function simulateNodes(more: Partial<TopologyOptions> = {}, seed: number | string = 1) {
  return simulate((options) => new SimulatedCluster(options), more, seed);
}

/** The same of a topology with one primary. */
export function simulateOnePrimary(more: Partial<TopologyOptions> = {}, seed: number | string = 1) {
  return simulate((options) => new SimulatedOnePrimary(options), more, seed);
}

function simulate<Nodes extends SimulatedNodes>(
  open: (options: NodesOptions) => Nodes,
  more: Partial<TopologyOptions>,
  seed: number | string,
) {
  const time = new VirtualTime();
  const topology = planTopology({ ...DEFAULT_TOPOLOGY, ...more });
  const network = new SimulatedNetwork({ topology, time, seed });
  const engine = ScriptEngine.open(); // another test may have damaged the last one
  const roles: RoleEvent[] = [];
  const cluster = open({
    ...{ topology, network, seed, engine },
    onRole: (event) => roles.push(event),
  });
  const nowMs = () => time.nowUs / 1_000;
  const pass = (forMs: number) => time.runUntil(time.nowUs + forMs * 1_000);
  /** Runs until the condition holds, looking every millisecond; throws after `withinMs`. */
  const until = async (what: string, condition: () => boolean, withinMs = 60_000): Promise<number> => {
    const startedMs = nowMs();
    while (!condition()) {
      if (nowMs() - startedMs > withinMs) throw new Error(`waited ${withinMs} ms for ${what}`);
      await pass(1);
    }
    return nowMs() - startedMs;
  };
  /** A connection of a client in this region to a node; commands are answered in order. */
  const connect = async (region: string, node: string) => {
    const answers: Answer[] = [];
    let end: End<Command> | undefined;
    let isOver = false;
    network.connect<Command, Answer>(
      { region },
      { node, port: 'data' },
      {
        opened: (opened) => {
          end = opened;
        },
        message: (answer) => answers.push(answer),
        closed: () => {
          isOver = true;
        },
      },
    );
    await until('a connection', () => end !== undefined || isOver);
    const send = (command: Command) => end?.send(command, 100);
    const ask = async (command: Command): Promise<Answer> => {
      const before = answers.length;
      send(command);
      await until('an answer', () => answers.length > before || isOver);
      return answers[before] ?? { error: 'closed' };
    };
    return { answers, send, ask, isOver: () => isOver };
  };
  return { time, topology, network, cluster, roles, nowMs, pass, until, connect };
}

function countingScript(body: string, flags = ''): Script {
  const source = `#!lua${flags}\n${body}`;
  return { name: 'count', source, sha: createHash('sha1').update(source).digest('hex') };
}

const ADD = countingScript(`
  local count = (tonumber(redis.call('GET', KEYS[1]) or '0')) + 1
  redis.call('SET', KEYS[1], count)
  return { count, tonumber(redis.call('TIME')[1]) }`);

const READ = countingScript(
  `return { tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(redis.call('TIME')[1]) }`,
  ' flags=no-writes',
);

/** Adds one to the counter of a key; replies the count, and the node's clock in seconds. */
export const add = (key: string): Command => ({ name: 'script', script: ADD, keys: [key], args: [] });

/** The counter of a key and the node's clock in seconds, also of a replica. */
export const read = (key: string): Command => ({
  ...{ name: 'script', script: READ, keys: [key], args: [] },
  onReplica: true,
});

/** As `simulateNodes`, once every replica is linked and all nodes know that. */
export async function settledNodes(...options: Parameters<typeof simulateNodes>) {
  const nodes = simulateNodes(...options);
  await nodes.until('it to settle', () => nodes.cluster.isSettled());
  await nodes.pass(2_000);
  nodes.roles.length = 0;
  return nodes;
}
