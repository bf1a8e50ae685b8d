import { oneWayMs, type Topology } from '../../topology/topology.ts';
import { slotDeviations } from '../cluster/slots/return-slots.ts';
import { readNodes } from '../cluster/status.ts';
import type { Regions } from '../provider.ts';
import type { LinkState } from './links.ts';
import type { AccessState } from './redis-access.ts';

/**
 * The deviations of a cluster from its plan, one sentence each: Redis away or slow for services, changed links, slots at
 * another shard or on their way, and nodes that do not answer.
 */
export async function findDeviations(regions: Regions): Promise<string[]> {
  const [links, accesses = [], nodes] = await Promise.all([
    regions.links.state(),
    regions.access?.state(),
    readNodes(regions),
  ]);
  return [
    ...accesses.flatMap(describeAccess),
    ...links.flatMap((link) => describeLink(link, regions.topology)),
    ...slotDeviations(nodes, regions.topology),
    ...nodes.filter(({ role }) => role === 'down').map(({ name }) => `${name} does not answer`),
  ];
}

function describeAccess({ region, silent, cut, slowMs }: AccessState): string[] {
  if (silent !== undefined) return [`the Toxiproxy of ${region} does not answer: ${silent}`];
  return [
    ...(cut === undefined ? [] : [`Redis is gone for the services of ${region} (${cut})`]),
    ...(slowMs === undefined ? [] : [`Redis answers the services of ${region} ${slowMs} ms later`]),
  ];
}

function describeLink(link: LinkState, topology: Topology): string[] {
  const { from, to, silent, cut, dropsReplies, rateKBps, latencyMs, jitterMs } = link;
  if (silent !== undefined) return [`the Toxiproxy of ${from} does not answer: ${silent}`];
  const plannedMs = oneWayMs(topology, link);
  const plannedJitterMs = Math.round(topology.jitterMs);
  const found = [
    cut && `is cut (${cut})`,
    dropsReplies && 'drops replies',
    rateKBps !== undefined && `is limited to ${rateKBps} kB/s`,
    latencyMs !== plannedMs && `has a latency of ${latencyMs} ms instead of ${plannedMs} ms`,
    jitterMs !== plannedJitterMs && `has a jitter of ${jitterMs} ms instead of ${plannedJitterMs} ms`,
  ];
  return found.filter((what) => typeof what === 'string').map((what) => `${from} to ${to} ${what}`);
}
