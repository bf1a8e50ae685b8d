import pc from 'picocolors';
import { printable } from '../../core/printable.ts';
import type { ClusterStatus, LinkStatus, NodeStatus } from '../../regions/cluster/status.ts';
import type { AccessState } from '../../regions/network/redis-access.ts';
import { restartHint } from '../../regions/open-cluster.ts';
import type { SentinelStatus } from '../../regions/sentinel/agreement.ts';
import type { Look } from '../../report/fit-lines.ts';
import { drawTable } from '../../report/text-table.ts';
import type { Environment } from '../process/environment.ts';
import { jsonText } from './output.ts';

/** A cluster's status as one JSON document, or as text. */
export function printStatus(status: ClusterStatus, json: boolean, { out, look }: Environment): void {
  out(json ? jsonText(status) : renderStatus(status, look));
}

/** Logs the nodes that do not answer and those without cluster mode, with a hint. Returns whether all answer. */
export function reportSilentNodes(status: ClusterStatus, { log }: Environment): boolean {
  const { name, provider, nodes, sentinels = [] } = status;
  const namesOf = (wanted: NodeStatus['role']) =>
    nodes.filter(({ role }) => role === wanted).map((node) => node.name);
  const single = nodes.find(({ role }) => role === 'standalone');
  if (single !== undefined)
    log(`not in cluster mode: ${namesOf('standalone').join(', ')}\n${wayOutOf(single)}`);
  const locked = namesOf('locked');
  if (locked.length > 0)
    log(`asks for a password, or refuses the one given: ${locked.join(', ')}\n${LOGIN_HINT}`);
  const silent = [
    ...namesOf('down'),
    ...sentinels.flatMap((sentinel) => (sentinel.primary === undefined ? [sentinel.name] : [])),
  ];
  if (silent.length === 0) return true;
  const mend = `to restart killed nodes: openclaw-rl fault heal --name ${name}; or ${restartHint(name)}`;
  log(`does not answer: ${silent.join(', ')}\n${provider === 'external' ? '' : `  ${mend}\n`}`);
  return false;
}

const LOGIN_HINT = '  set REDIS_PASSWORD, and REDIS_USERNAME for a user other than default\n';

function wayOutOf({ address }: NodeStatus): string {
  return (
    '  regions are one Redis Cluster: start their servers with cluster-enabled yes\n' +
    `  to look into the buckets of a single server: openclaw-rl inspect <user> --cluster redis://${address}\n`
  );
}

/** A cluster's status as text: its nodes, then its links with the faults on them. */
function renderStatus(status: ClusterStatus, { colour, columns }: Look): string {
  const colours = pc.createColors(colour);
  const nodes = {
    head: ['node', 'address', 'role', 'of', 'slots', 'lag', 'cluster'],
    rows: status.nodes.map((node) => nodeRow(node, colours)),
    spare: ['cluster'],
  };
  const sentinels = {
    head: ['Sentinel', 'address', 'names as primary', 'says of it'],
    rows: (status.sentinels ?? []).map((sentinel) => sentinelRow(sentinel, colours)),
  };
  const links = {
    head: ['from', 'to', 'round trip ms', 'measured ms', 'in force'],
    rows: status.links.map((link) => linkRow(link, colours)),
  };
  const { name, provider, primaryName } = status;
  const what = provider === 'external' ? printable(name) : `cluster ${printable(name)}`;
  const called =
    primaryName === undefined ? '' : `; the primary's name for Sentinels: ${printable(primaryName)}`;
  const title = `${colours.bold(what)} (${provider})${called}`;
  const access = {
    head: ['services of', 'Redis'],
    rows: (status.access ?? []).flatMap((state) => accessRows(state, colours)),
  };
  const tables = [nodes, ...[sentinels, links, access].filter(({ rows }) => rows.length > 0)];
  return `${[title, ...tables.map((table) => drawTable(table, columns))].join('\n')}\n`;
}

type Colours = ReturnType<typeof pc.createColors>;

function nodeRow(
  { name, address, role, primary, slots, lagBytes, clusterOk }: NodeStatus,
  colours: Colours,
): string[] {
  const lag =
    role === 'replica' ? (lagBytes === undefined ? colours.red('not linked') : `${lagBytes} B`) : '';
  const isOut = role !== 'primary' && role !== 'replica';
  const state = isOut ? '' : clusterOk ? colours.green('ok') : colours.red('down');
  return [name, address, isOut ? colours.red(role) : role, primary ?? '', printable(slots), lag, state];
}

function sentinelRow({ name, address, primary, flags }: SentinelStatus, colours: Colours): string[] {
  return [name, address, primary ?? colours.red('does not answer'), flags.join(', ')];
}

function linkRow(link: LinkStatus, colours: Colours): string[] {
  const { from, to, configuredRoundTripMs, measuredRoundTripMs } = link;
  const measured =
    measuredRoundTripMs === undefined ? colours.red('no reply') : measuredRoundTripMs.toFixed(1);
  return [from, to, String(configuredRoundTripMs), measured, inForce(link, colours)];
}

/** A row for a region whose services have a fault of the store. */
function accessRows({ region, silent, cut, slowMs }: AccessState, colours: Colours): string[][] {
  const found = [
    ...(silent === undefined ? [] : [colours.red(`unknown: ${printable(silent)}`)]),
    ...(cut === undefined ? [] : [colours.red(`gone (${cut})`)]),
    ...(slowMs === undefined ? [] : [`answers ${slowMs} ms later`]),
  ];
  return found.length === 0 ? [] : [[region, found.join(', ')]];
}

/** The differences of a link from the plan of the cluster. */
function inForce(link: LinkStatus, colours: Colours): string {
  if (link.silent !== undefined) return colours.red(`unknown: ${printable(link.silent)}`);
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
