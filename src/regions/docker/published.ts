import type { Endpoint } from '../provider.ts';
import type { Topology } from '../topology.ts';
import { regionHost } from './addresses.ts';
import { docker } from './docker.ts';

/** By region, where on 127.0.0.1 each published port of its namespace is. */
export type PublishedPorts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Compose names a container after its service. */
export function containerName(project: string, service: string): string {
  return `${project}-${service}-1`;
}

/** Asks Docker. Throws ENVIRONMENT_FAILED. */
export async function readPublished(project: string, { regions }: Topology): Promise<PublishedPorts> {
  const names = regions.map((region) => containerName(project, regionHost(region)));
  const text = await docker(['inspect', '--format', '{{json .NetworkSettings.Ports}}', ...names]);
  const lines = text.split('\n').map((line) => JSON.parse(line) as Bindings);
  return Object.fromEntries(regions.map((region, i) => [region, portsOf(lines[i] ?? {})]));
}

type Bindings = Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>;

function portsOf(bindings: Bindings): Record<string, number> {
  return Object.fromEntries(
    Object.entries(bindings).map(([port, bound]) => [
      Number.parseInt(port, 10),
      Number(bound?.[0]?.HostPort),
    ]),
  );
}

export function publishedAt(ports: PublishedPorts, region: string, port: number): Endpoint {
  return { host: '127.0.0.1', port: ports[region]?.[port] ?? 0 };
}
