import { environmentFailed } from '../../core/errors.ts';
import { findOwned, type OwnedProcess, signalAll } from '../processes/owned-processes.ts';
import { type NodeControl, plannedNode } from '../provider.ts';
import { waitFor } from '../waiting.ts';
import { resetNodeClock, stepNodeClock } from './node-clock.ts';
import { emptyNode, type NodeStart, startNode } from './node-process.ts';

const GONE_MS = 5_000;

/** Controls the nodes of a local cluster. */
export function controlNodes(nodeStart: NodeStart): NodeControl {
  const { cluster, startId, topology, steppableClocks } = nodeStart;
  const never = new AbortController().signal;
  const processesOf = (node: string) => findOwned(cluster, startId).filter(({ role }) => role === node);
  const running = (node: string): OwnedProcess[] => {
    const found = processesOf(node);
    if (found.length === 0) throw environmentFailed(`${node} is not running`);
    return found;
  };
  const start = async (node: string) => {
    if (processesOf(node).length === 0) await startNode(nodeStart, plannedNode(topology, node), never);
  };
  const resume = async (node: string) => signalAll(processesOf(node), 'SIGCONT');
  return {
    async kill(node) {
      signalAll(running(node), 'SIGKILL');
      // Its ports are free only after that.
      await waitFor(`${node} to stop`, GONE_MS, never, async () =>
        processesOf(node).length === 0 ? undefined : 'it is still running',
      );
    },
    start,
    async startEmpty(node) {
      if (processesOf(node).length > 0) throw environmentFailed(`${node} is running: it cannot be emptied`);
      await emptyNode(nodeStart, plannedNode(topology, node));
      await start(node);
    },
    pause: async (node) => signalAll(running(node), 'SIGSTOP'),
    resume,
    async stepClock(node, byMs) {
      if (!steppableClocks) {
        throw environmentFailed(
          `the clock of ${node} cannot be stepped: its cluster has no steppable clocks`,
          'openclaw-rl down && openclaw-rl up --steppable-clocks',
        );
      }
      await stepNodeClock(cluster, plannedNode(topology, node).name, byMs);
    },
    async heal(node) {
      await resume(node);
      if (steppableClocks) await resetNodeClock(cluster, node);
      await start(node);
    },
  };
}
