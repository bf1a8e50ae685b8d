import type { HistoryFile } from '../experiment/history-file.ts';
import type { Event } from '../history/records/operation.ts';
import type { Recorder } from '../load/recorder.ts';
import type { RoleEvent } from '../regions/cluster/role-watch.ts';
import type { World } from './world.ts';

const EVERY_US = 250_000;

/** Of a reading that takes no time: rounding. */
const ERROR_US = 1;

/**
 * Reads the clocks of the nodes as the watch of a real run does: all of them at the start and the end, one in turn between.
 * Nodes that do not answer are skipped.
 */
export function watchClocks(
  { time, nodes, topology }: World,
  recorder: Recorder,
  history: Pick<HistoryFile, 'add'>,
): { stop(): void } {
  const names = topology.nodes.map(({ name }) => name);
  const read = (node: string) => {
    if (!nodes.answers(node)) return;
    const serverUs = Math.floor(nodes.clockUsOf(node));
    history.add({ type: 'clock', node, atUs: recorder.nowUs(), serverUs, errorUs: ERROR_US });
  };
  const readAll = () => {
    for (const name of names) read(name);
  };
  let turn = 0;
  const readNext = () => {
    read(names[turn++ % names.length] ?? '');
    timer = time.after(EVERY_US, readNext);
  };
  readAll();
  let timer = time.after(EVERY_US, readNext);
  return {
    stop() {
      timer.cancel();
      readAll();
    },
  };
}

/** What a history says of a change of a role or of a restart. Its times count from `originUs`. */
export function roleRecord(change: RoleEvent, originUs: number): Event {
  const { node } = change;
  const atUs = Math.floor(change.atUs) - originUs;
  const event =
    change.event === 'role'
      ? { event: 'role', args: { from: change.from, to: change.to, slots: change.slots } }
      : { event: 'restart', args: { empty: change.isEmpty } };
  return { type: 'event', node, atUs, ...event };
}
