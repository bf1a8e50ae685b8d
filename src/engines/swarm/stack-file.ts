import { createHash } from 'node:crypto';
import { invalidOption } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { YOUNG_SPACE } from '../../load/processes/young-space.ts';
import {
  type DeployedRole,
  type DeployedService,
  type Deployment,
  FILES,
  REGION_LABEL,
  SECRETS,
} from '../deployment.ts';
import { labelsOf, type OwnedStack, SERVICE_LABEL, SERVICE_ROLE_LABEL } from './labels.ts';

export interface StackOptions {
  readonly stack: OwnedStack;
  readonly image: string;
  /** The environment variables that have secrets; a secret of that name was created for the stack. */
  readonly secrets: readonly string[];
}

/** A file that is in the containers; `docker stack deploy` reads it at a path. */
export interface StackConfig {
  /** Of the config in the stack file, and of the file that it is read from. */
  readonly key: string;
  readonly text: string;
}

/** Docker refuses larger ones. */
const MOST_BYTES = 500_000;
/** Containers have this long to end after SIGTERM. */
const STOP = '5s';
/**
 * The files of a deployment as configs. Their keys are hashes: Docker changes no config, so another text has another key.
 * Throws INVALID_OPTION for a file that is too large.
 */
export function stackConfigs({ files }: Pick<Deployment, 'files'>): Map<string, StackConfig> {
  const configs = Object.entries(files).map(([file, text]): [string, StackConfig] => {
    const bytes = Buffer.byteLength(text);
    if (bytes > MOST_BYTES)
      throw invalidOption(
        `${printable(file)} has ${bytes} bytes, and Docker takes at most ${MOST_BYTES} for each file of a container`,
        'shorten it, or run each part with `openclaw-rl load`: docs/load-by-hand.md',
      );
    const hash = createHash('sha256').update(`${file}\n${text}`).digest('hex');
    return [file, { key: `file-${hash.slice(0, 12)}`, text }];
  });
  return new Map(configs);
}

/** The name of the secret of an environment variable. */
export function secretName({ name }: Pick<OwnedStack, 'name'>, variable: string): string {
  return `${name}_${variable}`;
}

/**
 * The file for `docker stack deploy`. Services know each other by name in one overlay network, which no other container
 * can join; no port is published. Configs are read from files of their keys in the folder of the stack file.
 */
export function stackFile({ services, files }: Deployment, options: StackOptions): string {
  const { stack, secrets } = options;
  const labels = labelsOf(stack);
  const configs = stackConfigs({ files });
  const byKey = [...configs.values()].map(({ key }) => [key, { file: `./${key}`, labels }]);
  const bySecret = secrets.map((name) => [name, { external: true, name: secretName(stack, name) }]);
  const document = {
    version: '3.8',
    services: Object.fromEntries(
      services.map((service) => [service.name, serviceOf(service, configs, options)]),
    ),
    networks: { default: { driver: 'overlay', attachable: false, labels } },
    ...(byKey.length > 0 && { configs: Object.fromEntries(byKey) }),
    ...(bySecret.length > 0 && { secrets: Object.fromEntries(bySecret) }),
  };
  return JSON.stringify(escaped(document), undefined, 2); // YAML, without what differs between its versions
}

function serviceOf(
  { name, role, region, command, isJob }: DeployedService,
  configs: ReadonlyMap<string, StackConfig>,
  { stack, image, secrets }: StackOptions,
) {
  const [program, ...args] = command;
  const labels = { ...labelsOf(stack), [SERVICE_LABEL]: name, [SERVICE_ROLE_LABEL]: role };
  const needed = secrets.filter((variable) => SECRETS[role].includes(variable));
  const mounted = readsFiles(role) ? [...configs] : [];
  return {
    image,
    entrypoint: [program],
    command: args,
    hostname: name, // its address in the network: where it listens
    environment: environmentOf(role, needed),
    labels,
    cap_drop: ['ALL'],
    stop_grace_period: STOP,
    ...(mounted.length > 0 && {
      configs: mounted.map(([file, { key }]) => ({ source: key, target: `${FILES}/${file}` })),
    }),
    ...(needed.length > 0 && { secrets: needed.map((variable) => ({ source: variable, target: variable })) }),
    deploy: {
      ...(isJob ? { mode: 'replicated-job' } : { replicas: 1 }),
      endpoint_mode: 'dnsrr', // a virtual address would need IPVS, and hide that a task is gone
      placement: { constraints: [`node.labels.${REGION_LABEL} == ${region}`] },
      restart_policy: { condition: 'none' }, // a task that starts again has no data and another address
      labels,
    },
  };
}

function environmentOf(role: DeployedRole, secrets: readonly string[]): Record<string, string> {
  const isService = role === 'rating' || role === 'gateway';
  return {
    OPENCLAW_RL_MACHINE: '{{.Node.ID}}',
    OPENCLAW_RL_TASK: '{{.Task.Name}}',
    ...(isService && { NODE_OPTIONS: YOUNG_SPACE }),
    ...Object.fromEntries(secrets.map((variable) => [`${variable}_FILE`, `/run/secrets/${variable}`])),
  };
}

function readsFiles(role: DeployedRole): boolean {
  return role !== 'redis' && role !== 'gateway';
}

/** `$` begins a variable in a stack file. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, escaped(member)]));
}
