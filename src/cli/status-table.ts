import Table from 'cli-table3';
import pc from 'picocolors';
import { printable } from '../core/errors.ts';
import type { ClusterStatus, LinkStatus, NodeStatus } from '../regions/status.ts';
import type { Environment } from './environment.ts';
import { jsonText } from './output.ts';

/** A cluster's status as one JSON document, or as text. */
export function printStatus(status: ClusterStatus, json: boolean, { out, colourOut }: Environment): void {
  out(json ? jsonText(status) : renderStatus(status, { colour: colourOut }));
}

/** A cluster's status as text: its nodes, then its links with what is in force on them. */
function renderStatus(status: ClusterStatus, { colour }: { colour: boolean }): string {
  const colours = pc.createColors(colour);
  const nodes = new Table({
    head: ['node', 'address', 'role', 'of', 'slots', 'lag', 'cluster'],
    style: PLAIN,
  });
  for (const node of status.nodes) nodes.push(nodeRow(node, colours));
  const links = new Table({ head: ['from', 'to', 'round trip ms', 'measured ms', 'in force'], style: PLAIN });
  for (const link of status.links) links.push(linkRow(link, colours));
  const title = `${colours.bold(`cluster ${printable(status.name)}`)} (${status.provider})`;
  return `${[title, nodes.toString(), ...(status.links.length > 0 ? [links.toString()] : [])].join('\n')}\n`;
}

const PLAIN = { head: [], border: [], compact: true };

type Colours = ReturnType<typeof pc.createColors>;

function nodeRow(
  { name, address, role, primary, slots, lagBytes, clusterOk }: NodeStatus,
  colours: Colours,
): string[] {
  const lag =
    role === 'replica' ? (lagBytes === undefined ? colours.red('not linked') : `${lagBytes} B`) : '';
  const state = role === 'down' ? '' : clusterOk ? colours.green('ok') : colours.red('down');
  return [
    name,
    address,
    role === 'down' ? colours.red(role) : role,
    primary ?? '',
    printable(slots),
    lag,
    state,
  ];
}

function linkRow(link: LinkStatus, colours: Colours): string[] {
  const { from, to, configuredRoundTripMs, measuredRoundTripMs } = link;
  const measured =
    measuredRoundTripMs === undefined ? colours.red('no reply') : measuredRoundTripMs.toFixed(1);
  return [from, to, String(configuredRoundTripMs), measured, inForce(link, colours)];
}

/** What differs from the plan of the cluster. */
function inForce(link: LinkStatus, colours: Colours): string {
  if (link.silent !== undefined) return colours.red(`not known: ${printable(link.silent)}`);
  const { cut, dropsReplies, rateKBps, latencyMs, jitterMs, configuredLatencyMs } = link;
  return [
    cut === undefined ? '' : colours.red(`cut (${cut})`),
    dropsReplies ? colours.red('replies dropped') : '',
    latencyMs === configuredLatencyMs ? '' : `${latencyMs} ms one way`,
    jitterMs === 0 ? '' : `jitter ${jitterMs} ms`,
    rateKBps === undefined ? '' : `${rateKBps} kB/s`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}
