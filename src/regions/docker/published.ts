import { environmentFailed, type OpenclawError } from '../../core/errors.ts';
import type { Topology } from '../../topology/topology.ts';
import type { Endpoint } from '../provider.ts';
import { regionHost } from './addresses.ts';
import { docker } from './docker.ts';

/** By region and port of its namespace: the published port on 127.0.0.1. */
export type PublishedPorts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Compose names a container after its service. */
export function containerName(project: string, service: string): string {
  return `${project}-${service}-1`;
}

/** Reads the published ports from Docker. Throws ENVIRONMENT_FAILED, also if a port is not published. */
export async function readPublished(project: string, { regions }: Topology): Promise<PublishedPorts> {
  const names = regions.map((region) => containerName(project, regionHost(region)));
  const text = await docker(['inspect', '--format', '{{json .NetworkSettings.Ports}}', ...names]);
  const lines = text.split('\n');
  return Object.fromEntries(regions.map((region, i) => [region, parseBindings(region, lines[i] ?? '{}')]));
}

type Bindings = Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>;

/** The answer of `docker inspect` for a region: `{"6379/tcp":[{"HostIp":"127.0.0.1","HostPort":"32768"}]}`. */
export function parseBindings(region: string, json: string): Record<string, number> {
  return Object.fromEntries(
    Object.entries(JSON.parse(json) as Bindings).flatMap(([port, bound]) => {
      if (bound === null) return []; // exposed by the image, not published
      const here = Number(bound[0]?.HostPort);
      if (!Number.isInteger(here) || here === 0) throw notPublished(region, port);
      return [[Number.parseInt(port, 10), here]];
    }),
  );
}

/** The address of a published port on this machine. Throws ENVIRONMENT_FAILED if it is unknown. */
export function publishedAt(ports: PublishedPorts, region: string, port: number): Endpoint {
  const here = ports[region]?.[port];
  if (here === undefined) throw notPublished(region, String(port));
  return { host: '127.0.0.1', port: here };
}

function notPublished(region: string, port: string): OpenclawError {
  return environmentFailed(`Docker has not published port ${port} of region ${region}`);
}
