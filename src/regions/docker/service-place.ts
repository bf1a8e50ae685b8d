import { environmentFailed } from '../../core/errors.ts';
import { ANSWER_FD } from '../processes/answer.ts';
import { endOwned, findOwned, markOf } from '../processes/owned-processes.ts';
import { ownerText, parseOwner, thisProgram } from '../processes/owner.ts';
import { isAbandoned, isAbandonedService, serviceRole } from '../processes/services.ts';
import type { Regions, ServicePlace, ServiceRole } from '../provider.ts';
import { GATEWAY_PORT, RATING_PORT, regionHost } from './addresses.ts';
import { docker } from './docker.ts';
import { type Images, provideOwnImage } from './images.ts';
import {
  CLUSTER_LABEL,
  listContainers,
  OWNER_LABEL,
  type Owner,
  ROLE_LABEL,
  removeContainers,
  START_LABEL,
} from './owned-containers.ts';
import { containerName, type PublishedPorts, publishedAt } from './published.ts';

export interface ServiceContainers {
  readonly owner: Required<Owner>;
  readonly project: string;
  readonly images: Images;
  readonly ports: PublishedPorts;
}

const LISTEN = {
  gateway: { host: '0.0.0.0', port: GATEWAY_PORT },
  rating: { host: '127.0.0.1', port: RATING_PORT },
} as const;

/**
 * Places services in containers that join their region. The docker client stays attached: it ends with the container
 * and forwards signals. `stop` removes a container that is left; if this program is killed before that, the next
 * program with services here removes it. The first call also pulls or builds the image.
 */
export function placeContainers(services: ServiceContainers): NonNullable<Regions['place']> {
  let image: Promise<string> | undefined;
  return async (region, role, signal, instance = 1) => {
    image ??= makeRoom(services.owner).then(() => provideOwnImage(services.images, signal));
    return placeIn(services, { region, role, instance, image: await image });
  };
}

function placeIn(
  { owner, project, ports }: ServiceContainers,
  {
    region,
    role,
    instance,
    image,
  }: {
    readonly region: string;
    readonly role: ServiceRole;
    readonly instance: number;
    readonly image: string;
  },
): ServicePlace {
  const { host, port } = LISTEN[role];
  const reached = role === 'gateway' ? publishedAt(ports, region, port) : undefined;
  const name = `${project}-${role}-${region}${instance === 1 ? '' : `-${instance}`}`;
  const program = ownerText(thisProgram());
  return {
    node: [
      'docker',
      ...['run', '--rm', '--name', name],
      ...['--network', `container:${containerName(project, regionHost(region))}`],
      ...['--label', `${CLUSTER_LABEL}=${owner.cluster}`, '--label', `${START_LABEL}=${owner.startId}`],
      ...['--label', `${ROLE_LABEL}=${role}`, '--label', `${OWNER_LABEL}=${program}`],
      ...['--env', `${ANSWER_FD}=1`, '--memory', '1g', '--pids-limit', '200', '--cap-drop', 'ALL'],
      ...['--security-opt', 'no-new-privileges:true', '--entrypoint', 'node'],
      image,
    ],
    script: ['/app/bin/openclaw-rl'],
    env: markOf({ ...owner, role: serviceRole() }),
    listen: { host, port: port + instance - 1 },
    ...(reached && { reached: `http://${reached.host}:${reached.port}` }),
    answersInLog: true,
    async stop() {
      await docker(['rm', '--force', '--volumes', name]).catch((error: Error) => {
        if (!/no such container|already in progress/i.test(error.message)) throw error;
      });
    },
  };
}

/**
 * Ends the services that killed programs left in this cluster. Throws ENVIRONMENT_FAILED if a running program has
 * services here: their ports are taken.
 */
async function makeRoom(owner: Required<Owner>): Promise<void> {
  const attached = () => findOwned(owner.cluster, owner.startId).filter(isAbandonedService);
  const wasCutShort = attached().length > 0;
  await endOwned(attached);
  await removeContainers(owner, ({ program }) => isAbandoned(parseOwner(program)), { wasCutShort });
  const ours = ownerText(thisProgram());
  const other = (await listContainers(owner)).find(({ program }) => program !== '' && program !== ours);
  if (other === undefined) return;
  const pid = parseOwner(other.program)?.pid;
  throw environmentFailed(
    `the program with pid ${pid} is using this cluster`,
    'wait until it ends, or use another --name: only one run fits on a cluster of containers',
  );
}
