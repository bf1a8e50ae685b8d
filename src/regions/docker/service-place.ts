import type { ServicePlace, ServiceRole } from '../provider.ts';
import { GATEWAY_PORT, RATING_DOOR, RATING_PORT, regionHost } from './addresses.ts';
import { type Images, provideOwnImage } from './images.ts';
import { CLUSTER_LABEL, type Owner, ROLE_LABEL, START_LABEL } from './owned-containers.ts';
import { containerName, type PublishedPorts, publishedAt } from './published.ts';

export interface ServiceContainers {
  readonly owner: Required<Owner>;
  readonly project: string;
  readonly images: Images;
  readonly ports: PublishedPorts;
}

const LISTEN = {
  gateway: { host: '0.0.0.0', port: GATEWAY_PORT, published: GATEWAY_PORT },
  rating: { host: '127.0.0.1', port: RATING_PORT, published: RATING_DOOR },
} as const;

/**
 * A service runs in a container of its own that joins its region. The docker program stays attached to it: it ends with
 * the container, and passes on the signal that ends it.
 */
export async function placeContainer(
  { owner, project, images, ports }: ServiceContainers,
  region: string,
  role: ServiceRole,
): Promise<ServicePlace> {
  const { host, port, published } = LISTEN[role];
  const reached = publishedAt(ports, region, published);
  return {
    node: [
      'docker',
      ...['run', '--rm', '--name', `${project}-${role}-${region}`],
      ...['--network', `container:${containerName(project, regionHost(region))}`],
      ...['--label', `${CLUSTER_LABEL}=${owner.cluster}`, '--label', `${START_LABEL}=${owner.startId}`],
      ...['--label', `${ROLE_LABEL}=${role}`],
      ...['--memory', '1g', '--pids-limit', '200', '--cap-drop', 'ALL'],
      ...['--security-opt', 'no-new-privileges:true', '--entrypoint', 'node'],
      await provideOwnImage(images),
    ],
    script: ['/app/bin/openclaw-rl'],
    listen: { host, port },
    reached: `http://${reached.host}:${reached.port}`,
  };
}
