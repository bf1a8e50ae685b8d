import { environmentFailed, invalidOption, type OpenclawError } from '../../core/errors.ts';
import type { FailoverSpec } from '../../scenario/faults/failover.ts';
import type { KillSpec } from '../../scenario/faults/kill.ts';
import type { NodeClockSpec } from '../../scenario/faults/node-clock.ts';
import type { PauseSpec } from '../../scenario/faults/pause.ts';
import type { RestartSpec } from '../../scenario/faults/restart.ts';
import type { RestartEmptySpec } from '../../scenario/faults/restart-empty.ts';
import { orderFailover } from '../nodes/settle.ts';
import { until } from '../until.ts';
import { atOnce, type FaultContext, type MakeFault, type SimulatedFault } from './fault.ts';
import { whenStarted } from './when-started.ts';

/** How long a takeover is awaited, as in local regions: so many node timeouts, at least so long. */
const PATIENCE_TIMEOUTS = 8;
const LEAST_PATIENCE_MS = 10_000;

/** SIGKILL. The heal starts the node again, after a replica has taken over if there is one. */
export const kill: MakeFault<KillSpec> = ({ node }, context) => {
  const { successors, comeBack } = takeoverOf(node, context);
  return {
    inject(done) {
      successors();
      context.nodes.control.kill(node);
      done();
    },
    heal: comeBack,
    looks: 'before the heal',
    look() {
      const isGone = !context.nodes.answers(node);
      return { bit: isGone, saw: `${node} ${isGone ? 'does not run' : 'runs'}` };
    },
  };
};

/** SIGKILL, and a start as soon as a replica has taken over. */
export const restart: MakeFault<RestartSpec> = ({ node }, context) => {
  const { successors, comeBack } = takeoverOf(node, context);
  const waiting: Healed[] = [];
  let state: 'starts' | 'failed' | 'back' = 'failed';
  const start = () => {
    state = 'starts';
    comeBack((failure) => {
      state = failure === undefined ? 'back' : 'failed';
      for (const call of waiting.splice(0)) call(failure);
    });
  };
  return {
    ...restarted(node, context),
    inject(done) {
      successors();
      context.nodes.control.kill(node);
      start();
      done();
    },
    heal(done) {
      if (state === 'back') return done();
      waiting.push(done);
      if (state === 'failed') start();
    },
  };
};

/** SIGKILL, and a start at once without data. */
export const restartEmpty: MakeFault<RestartEmptySpec> = ({ node }, context) => {
  const { nodes, time } = context;
  return {
    ...restarted(node, context),
    inject(done) {
      nodes.control.kill(node);
      nodes.control.startEmpty(node);
      done();
    },
    heal(done) {
      nodes.control.start(node);
      whenStarted(time, { name: node, answers: () => nodes.answers(node) }, done);
    },
  };
};

type Healed = (failure?: OpenclawError) => void;

function restarted(node: string, { nodes }: FaultContext): Pick<SimulatedFault, 'looks' | 'look'> {
  return {
    looks: 'after the heal',
    look() {
      const isThere = nodes.answers(node);
      const saw = isThere ? `${node} ended, and runs again` : `${node} ended, and does not run`;
      return { bit: isThere, saw };
    },
  };
}

/** Waits until a node that was a replica when `successors` was called is a primary, and starts the killed one. */
function takeoverOf(node: string, { nodes, time, topology }: FaultContext) {
  let names: readonly string[] = [];
  const patienceMs = Math.max(LEAST_PATIENCE_MS, PATIENCE_TIMEOUTS * topology.nodeTimeoutMs);
  const hasTaken = () => names.some((name) => nodes.answers(name) && nodes.roleOf(name).role === 'primary');
  return {
    successors() {
      names = nodes.replicasOf(node);
    },
    comeBack(done: Healed) {
      const start = () => {
        nodes.control.start(node);
        whenStarted(time, { name: node, answers: () => nodes.answers(node) }, done);
      };
      if (names.length === 0) start();
      else until(time, patienceMs, hasTaken, start);
    },
  };
}

/** SIGSTOP, and SIGCONT. */
export const pause: MakeFault<PauseSpec> = ({ node }, { nodes }) =>
  atOnce({
    inject: () => nodes.control.pause(node),
    heal: () => nodes.control.resume(node),
    look() {
      const isStopped = !nodes.answers(node);
      return { bit: isStopped, saw: `${node} ${isStopped ? 'is stopped, and does not answer' : 'answers'}` };
    },
  });

export const nodeClock: MakeFault<NodeClockSpec> = ({ node, stepMs }, { nodes, time }) => {
  const aheadMs = () => (nodes.clockUsOf(node) - time.nowUs) / 1_000;
  const beforeMs = aheadMs();
  return atOnce({
    inject: () => nodes.control.stepClock(node, stepMs),
    heal: () => nodes.control.stepClock(node, -stepMs),
    look() {
      const byMs = aheadMs() - beforeMs;
      return {
        bit: stepMs !== 0 && Math.round(byMs) === Math.round(stepMs),
        saw: `the clock of ${node} moved by ${Math.round(byMs)} ms`,
      };
    },
  });
};

/** Time for three attempts: the server gives up each after 5 s. */
const FAILOVER_MS = 20_000;

/** An ordered failover, repeated until the replica is the primary, as in local regions. */
export const failover: MakeFault<FailoverSpec> = ({ node }, { nodes, time, isOver }) => ({
  inject(done) {
    if (!nodes.answers(node)) return done(environmentFailed(`${node} does not answer`, HELD));
    if (nodes.roleOf(node).role === 'primary')
      return done(
        invalidOption(
          `${node} is a primary already: an ordered failover needs a replica`,
          'name a node that is a replica when the fault begins',
        ),
      );
    orderFailover(nodes, { node, time, withinMs: FAILOVER_MS, isOver }, (isPrimary) =>
      done(isPrimary ? undefined : environmentFailed(`${node} did not become a primary`, HELD)),
    );
  },
  heal: (done) => done(),
  looks: 'once injected',
  look() {
    const { role } = nodes.roleOf(node);
    return {
      bit: role === 'primary',
      saw: `${node} was a replica and is ${role === 'down' ? role : `a ${role}`}`,
    };
  },
});

const HELD = 'another fault may hold it';
