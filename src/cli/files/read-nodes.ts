import { dirname, resolve } from 'node:path';
import { invalidOption } from '../../core/errors.ts';
import type { Endpoints } from '../../topology/endpoints.ts';
import { DEFAULT_TOPOLOGY, type TopologyOptions } from '../../topology/topology.ts';
import { readEndpoints } from '../flags/endpoints-option.ts';
import type { Environment } from '../process/environment.ts';
import { readTextFile } from './read-file.ts';

/** An endpoints file, and the text of the certificates that it names. */
export interface FoundNodes {
  readonly endpoints: Endpoints;
  readonly ca?: string;
}

/** The nodes of an endpoints file, which an engine's machines reach. Throws INVALID_OPTION, also for one of services. */
export async function readNodes(file: string, { cwd }: Pick<Environment, 'cwd'>): Promise<FoundNodes> {
  const endpoints = await readEndpoints(file, { cwd });
  if (endpoints.nodes.length === 0)
    throw invalidOption(
      `${file} has HTTP services, and an engine sends load to nodes of Redis only`,
      'send the parts by hand: openclaw-rl load --help',
    );
  const { ca } = endpoints.tls ?? {};
  if (ca === undefined) return { endpoints };
  const text = await readTextFile(resolve(dirname(resolve(cwd, file)), ca)).catch((error: Error) => {
    throw invalidOption(`${file}: tls.ca cannot be read: ${error.message}`);
  });
  return { endpoints, ca: text };
}

/** Roles and slots of the nodes are not known here; the machines look at them. */
export function topologyOf({ kind, regions, nodes, roundTripMs }: Endpoints): TopologyOptions {
  const areApart = kind === 'single' && nodes.length > 1;
  return { ...DEFAULT_TOPOLOGY, regions, roundTripMs, ...(areApart && { apart: true, replicas: 0 }) };
}
