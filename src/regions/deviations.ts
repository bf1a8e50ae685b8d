import type { LinkState } from './links.ts';
import type { Regions } from './provider.ts';
import { readNodes } from './status.ts';
import { oneWayMs, type Topology } from './topology.ts';

/** What of a cluster is not as it was planned, as sentences: what is in force on its links, and what does not answer. */
export async function findDeviations(regions: Regions): Promise<string[]> {
  const [links, nodes] = await Promise.all([regions.links.state(), readNodes(regions)]);
  return [
    ...links.flatMap((link) => describeLink(link, regions.topology)),
    ...nodes.filter(({ role }) => role === 'down').map(({ name }) => `${name} does not answer`),
  ];
}

function describeLink(link: LinkState, topology: Topology): string[] {
  const { from, to, silent, cut, dropsReplies, rateKBps, latencyMs, jitterMs } = link;
  if (silent !== undefined) return [`the Toxiproxy of ${from} does not answer: ${silent}`];
  const plannedMs = oneWayMs(topology, link);
  const plannedJitterMs = Math.round(topology.jitterMs);
  const found = [
    cut && `is cut (${cut})`,
    dropsReplies && 'loses replies',
    rateKBps !== undefined && `passes ${rateKBps} kB/s`,
    latencyMs !== plannedMs && `takes ${latencyMs} ms instead of ${plannedMs}`,
    jitterMs !== plannedJitterMs && `varies by ${jitterMs} ms instead of ${plannedJitterMs}`,
  ];
  return found.filter((what) => typeof what === 'string').map((what) => `${from} to ${to} ${what}`);
}
