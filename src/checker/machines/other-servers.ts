import { groupBy } from '../../core/group-by.ts';
import { printable } from '../../core/printable.ts';
import { partText } from '../../history/parts/parts.ts';
import { type Event, SERVER_EVENT } from '../../history/records/operation.ts';

/** The most nodes that are named. */
const MOST = 3;

/**
 * Nodes under whose name parts have reached different servers, as sentences. Each of these may have buckets of its own; the
 * process of a node that was restarted between two looks is a different server, too.
 */
export function otherServers(events: readonly Event[]): string[] {
  const byNode = groupBy(
    events.filter(({ event }) => event === SERVER_EVENT),
    ({ node = '' }) => node,
  );
  const texts = [...byNode].flatMap(([node, [first, ...rest]]) => {
    const other = rest.find(({ args }) => args?.runId !== first?.args?.runId);
    return first === undefined || other === undefined ? [] : [textOf(node, first, other)];
  });
  const more = texts.length - MOST;
  return more > 0
    ? [...texts.slice(0, MOST), `${more} more nodes are other servers for some parts, too`]
    : texts;
}

function textOf(node: string, one: Event, other: Event): string {
  return printable(
    `parts have reached different Redis servers as ${node}: ${reached(one)}, ${reached(other)}; so ${node} is several servers, each with buckets of its own, or was restarted before the load, and nothing is judged; if it was restarted, run all parts again; if not, give ${node} an address in each endpoints file by which its machine reaches the same server, so not 127.0.0.1`,
  );
}

function reached({ part = '', machine = '', args = {} }: Event): string {
  return `${partText(part)} on machine ${machine} reached the one with run_id ${args.runId}`;
}
