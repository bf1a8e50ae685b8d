import { InvalidArgumentError } from 'commander';
import { invalidOption, OpenclawError } from '../../core/errors.ts';
import { connectInspector } from '../../limiter/inspect/port.ts';
import {
  isClusterDisabled,
  isLoginRefused,
  type NodeView,
  parseClusterNodes,
} from '../../regions/cluster/cluster-view.ts';
import { openExternal } from '../../regions/external/external.ts';
import type { Endpoint, Login, Regions } from '../../regions/provider.ts';
import { checkRegions, REGION } from '../../topology/regions.ts';

/** The nodes of each region, as typed. */
export type RegionNodes = Readonly<Record<string, readonly string[]>>;

/** Collects `name=host:port,host:port`, repeated. */
export function collectRegion(text: string, sofar: RegionNodes): RegionNodes {
  const at = text.indexOf('=');
  const [name, nodes] = [text.slice(0, at), text.slice(at + 1).split(',')];
  if (at < 1 || !REGION.test(name) || !nodes.every((node) => ADDRESS.test(node)))
    throw new InvalidArgumentError('Expected a region and its nodes: name=host:port,host:port.');
  if (Object.hasOwn(sofar, name))
    throw new InvalidArgumentError(`Region ${name} is given twice: name all its nodes in one --region.`);
  return { ...sofar, [name]: nodes };
}

const ADDRESS = /^(?:\[[0-9a-f:]+\]|[\w.:-]+):\d{1,5}$/i;

/**
 * The nodes of a cluster, each in the region that the flags give it. Asks one of them for all others. Throws
 * INVALID_OPTION for a node without a region and for one that is no node of the cluster; and errors of Redis.
 */
export async function openRegionNodes(seed: Endpoint, login: Login, typed: RegionNodes): Promise<Regions> {
  const names = checkRegions(Object.keys(typed));
  const title = `${seed.host}:${seed.port}`;
  const { replies } = await connectInspector(login).ask(seed, [['CLUSTER', 'NODES']]);
  const [reply] = replies;
  if (typeof reply !== 'string') throw refused(title, reply);
  const views = parseClusterNodes(reply).map((view) => ({ view, address: addressOf(view, seed) }));
  const known = new Set(views.flatMap(({ view, address }) => [address, ...hostnameOf(view, address)]));
  for (const region of names)
    for (const node of typed[region] ?? [])
      if (!known.has(node))
        throw invalidOption(
          `--region ${region}: ${node} is no node of the cluster; found ${views.map(({ address }) => address).join(', ')}`,
          'name nodes as CLUSTER NODES does',
        );
  const nodes = views.flatMap(({ view, address }) => {
    const region = names.find((name) =>
      typed[name]?.some((node) => node === address || hostnameOf(view, address).includes(node)),
    );
    if (region !== undefined) return [{ name: address, region, address: endpointIn(address) }];
    if (view.problems.includes('fail') && view.slots.length === 0) return []; // gone, and not yet forgotten
    throw invalidOption(
      `${address} is a node of the cluster, and no --region names it`,
      `add it: --region name=${address}`,
    );
  });
  const empty = { services: {}, toxiproxy: {}, roundTripMs: {} };
  return openExternal({ kind: 'cluster', regions: names, nodes, ...empty }, { file: title, login });
}

function refused(title: string, reply: unknown): OpenclawError {
  const why = reply instanceof Error ? reply.message : 'no reply to CLUSTER NODES';
  if (isLoginRefused(reply)) return new OpenclawError('REDIS_AUTH', `${title}: ${why}`);
  if (!isClusterDisabled(reply)) return new OpenclawError('REDIS_REFUSED', `${title}: ${why}`);
  return invalidOption(
    `${title} is not in cluster mode`,
    'homes need a Redis Cluster over the regions; leave them out',
  );
}

/** `host:port` as a node announces it; a node that does not know its own host is the one that was asked. */
function addressOf({ address }: NodeView, seed: Endpoint): string {
  const [at = ''] = address.split('@');
  return at.startsWith(':') ? `${seed.host}${at}` : at;
}

function hostnameOf({ hostname }: NodeView, address: string): string[] {
  return hostname === undefined ? [] : [`${hostname}${address.slice(address.lastIndexOf(':'))}`];
}

function endpointIn(address: string): Endpoint {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(at + 1)) };
}
