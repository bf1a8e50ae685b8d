import { everyServer, isInCluster, type PlannedNode, type Topology } from '../../topology/topology.ts';
import { nodeSettings } from '../cluster/node-settings.ts';
import { serversAbroad } from '../provider.ts';
import { firstConfig, orderedSettings } from '../sentinel/settings.ts';
import {
  API_PORT,
  doorPort,
  GATEWAY_PORT,
  nodeAddress,
  regionHost,
  storageIn,
  toxiproxyService,
} from './addresses.ts';
import { OFFICIAL_IMAGES } from './images.ts';
import { CLUSTER_LABEL, ROLE_LABEL, START_LABEL } from './owned-containers.ts';

/** The environment variables that the file reads; each has a default. */
export const COMPOSE_VARIABLES = {
  cluster: 'OPENCLAW_RL_CLUSTER',
  start: 'OPENCLAW_RL_START',
  subnet: 'OPENCLAW_RL_SUBNET',
  redis: 'OPENCLAW_REDIS_IMAGE',
  toxiproxy: 'OPENCLAW_TOXIPROXY_IMAGE',
} as const;

/** 198.18.0.0/15 is reserved for benchmarks, so other networks rarely use it. */
const DEFAULT_SUBNET = '198.18.0.0/24';

const nodeService = (node: string) => `node-${node}`;

/** The Compose file of a topology. It does not depend on the machine or on the name of the cluster. */
export function composeFile(topology: Topology): string {
  const { regions } = topology;
  return `${HEADER}
services:
${regions.map((region) => regionServices(topology, region)).join('\n')}
networks:
  default:
    labels: *labels
    ipam:
      config:
        - subnet: \${${COMPOSE_VARIABLES.subnet}:-${DEFAULT_SUBNET}}

volumes:
${everyServer(topology)
  .map(({ name }) => `  ${nodeService(name)}: { labels: *labels }`)
  .join('\n')}
`;
}

const HEADER = `# Regions as containers. \`openclaw-rl up --provider docker\` starts them, forms the cluster and sets the round trips.
# src/regions/docker/compose-file.ts writes this file for any topology.
#
# A region is one network namespace. A container that only sleeps owns it; the nodes and the Toxiproxy of the region
# join it. Node k of region i announces 127.77.<i>.<k>, a local address in every namespace. In its own region the node
# listens there, and on the address of the namespace for other regions. In every other region the Toxiproxy listens
# there and forwards. So data between two regions passes two Toxiproxies, and no container needs a privilege for it.

x-labels: &labels
  ${CLUSTER_LABEL}: \${${COMPOSE_VARIABLES.cluster}:-by hand}
  ${START_LABEL}: \${${COMPOSE_VARIABLES.start}:-}

x-container: &container
  restart: "no" # only faults restart nodes
  stop_signal: SIGKILL # no data needs a clean stop
  security_opt: ["no-new-privileges:true"]
  pids_limit: 200

x-region: &region
  <<: *container
  image: \${${COMPOSE_VARIABLES.redis}:-${OFFICIAL_IMAGES.redis}}
  entrypoint: [sleep, infinity]
  user: "65534"
  cap_drop: [ALL]
  cap_add: [DAC_OVERRIDE] # for \`docker exec --user 0\`, which empties a node's volume
  tmpfs: [/data] # else the image creates a volume without labels there
  mem_limit: 64m

x-toxiproxy: &toxiproxy
  <<: *container
  image: \${${COMPOSE_VARIABLES.toxiproxy}:-${OFFICIAL_IMAGES.toxiproxy}}
  cap_drop: [ALL]
  mem_limit: 512m
  healthcheck:
    test: [CMD, /toxiproxy-cli, list]
    interval: 30s

x-node: &node
  <<: *container
  image: \${${COMPOSE_VARIABLES.redis}:-${OFFICIAL_IMAGES.redis}}
  cap_drop: [ALL]
  cap_add: [CHOWN, DAC_OVERRIDE, SETGID, SETUID] # the image gives /data to its user and switches to that user
  mem_limit: 512m
`;

function regionServices(topology: Topology, region: string): string {
  const host = regionHost(region);
  const servers = everyServer(topology).filter((server) => server.region === region);
  const ports = publishedPorts(topology, region).map(
    ({ port, what }) => `      - 127.0.0.1::${port} # ${what}\n`,
  );
  return `  ${host}:
    <<: *region
    hostname: ${host}
    labels: { <<: *labels, ${ROLE_LABEL}: region }
    volumes: [${servers.map(({ name }) => `"${nodeService(name)}:${storageIn(name)}"`).join(', ')}]
    ports:
${ports.join('')}
  ${toxiproxyService(region)}:
    <<: *toxiproxy
    network_mode: service:${host}
    labels: { <<: *labels, ${ROLE_LABEL}: toxiproxy }

${servers.map((server) => serverServiceText(topology, server)).join('\n')}`;
}

/** The published ports of a region and their purpose. Each gets a free port of 127.0.0.1. */
function publishedPorts(topology: Topology, region: string): { port: number; what: string }[] {
  return [
    ...everyServer(topology)
      .filter((server) => server.region === region)
      .map((server) => ({ port: nodeAddress(topology, server).port, what: server.name })),
    ...serversAbroad(topology, region).map((node) => ({
      port: doorPort(topology, node),
      what: `${node.name}, as seen from ${region}`,
    })),
    { port: API_PORT, what: 'API of the Toxiproxy' },
    { port: GATEWAY_PORT, what: 'gateway, while a run has one' },
  ];
}

function serverServiceText(topology: Topology, server: PlannedNode): string {
  const host = regionHost(server.region);
  const address = nodeAddress(topology, server);
  const service = nodeService(server.name);
  const line = (name: string, ...values: (string | number)[]) =>
    `      --${name}, ${values.map((value) => JSON.stringify(String(value))).join(', ')},\n`;
  return `  ${service}:
    <<: *node
    network_mode: service:${host}
    labels: { <<: *labels, ${ROLE_LABEL}: ${server.name} }
    volumes: ["${service}:/data"]
    healthcheck:
      test: [CMD, redis-cli, -h, ${address.host}, -p, "${address.port}", ping]
      interval: 30s
${startText(topology, server)}${line('bind', address.host, host)}${Object.entries(
  settingsOf(topology, server),
)
  .map(([name, value]) => line(name, value))
  .join('')}      ]
`;
}

function settingsOf(topology: Topology, server: PlannedNode): Record<string, string | number> {
  const { host, port } = nodeAddress(topology, server);
  const open = { port, 'protected-mode': 'no' }; // published only on 127.0.0.1
  if (topology.sentinels.includes(server)) return { ...open, dir: '/data' };
  const announced = isInCluster(topology) ? { 'cluster-announce-ip': host } : orderedSettings({ host, port });
  return { ...open, ...announced, ...nodeSettings(topology), dir: '/data' };
}

/**
 * The program and the start of its arguments. A Sentinel, and a node that Sentinels order, keep in a file what they were
 * ordered; the shell writes the first one. The image's own entrypoint comes after it, and switches to its user.
 */
function startText(topology: Topology, server: PlannedNode): string {
  if (topology.kind !== 'sentinel') return '    command: [\n      redis-server,\n';
  const first = firstConfig(topology, server, (each) => nodeAddress(topology, each));
  const config = '/data/server.conf';
  const script = `[ -e ${config} ] || echo "$$FIRST_CONFIG" >${config}; exec $$(command -v docker-entrypoint.sh) redis-server ${config} "$$@"`;
  const isSentinel = topology.sentinels.includes(server);
  return `    environment:
      FIRST_CONFIG: ${JSON.stringify(first.join('\n'))}
    entrypoint: [sh, -c, '${script}', sh]
    command: [
${isSentinel ? '      --sentinel,\n' : ''}`;
}
