import type { Container, EnvVar, PodSpec } from 'kubernetes-types/core/v1.js';
import { type DeployedService, FILES, REGION_LABEL, SECRETS } from '../deployment.ts';

/** A service of a deployment, or the clock of the run. */
export type Placed = Pick<DeployedService, 'name' | 'command' | 'port'> & {
  readonly role: DeployedService['role'] | 'clock';
  /** Of the node on which it must run. Default: any. */
  readonly region?: string;
  /** Its place for files that it keeps. */
  readonly keeps?: string;
};

export interface PodOptions {
  readonly image: string;
  /** The Secret with a key for each secret environment variable. */
  readonly secret: string;
  /** The ConfigMap with the files of the deployment. */
  readonly files: string;
  /** Redis may ask for the credentials of the Secret. */
  readonly logsIn: boolean;
  /** A command that succeeds once a service of this role can start. */
  readonly startsAfter: (role: Placed['role']) => readonly string[] | undefined;
}

const TOKEN = 'OPENCLAW_RL_TOKEN';
/** The user `node` of the image. */
const USER = 1_000;

/** A pod of one container that runs once: after a restart it would no longer be the one that was measured. */
export function podSpec(placed: Placed, options: PodOptions): PodSpec {
  const { region, keeps } = placed;
  const waits = options.startsAfter(placed.role);
  return {
    restartPolicy: 'Never',
    ...(region !== undefined && { nodeSelector: { [REGION_LABEL]: region } }),
    automountServiceAccountToken: false,
    enableServiceLinks: false, // else each Service adds environment variables
    securityContext: {
      ...{ runAsNonRoot: true, runAsUser: USER, runAsGroup: USER },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(waits && {
      initContainers: [container(placed, { ...options, name: 'wait', command: until(waits) })],
    }),
    containers: [container(placed, { ...options, name: placed.role, command: placed.command })],
    volumes: [
      { name: 'files', configMap: { name: options.files } },
      { name: 'tmp', emptyDir: {} },
      ...(keeps === undefined ? [] : [{ name: 'kept', emptyDir: {} }]),
    ],
  };
}

function container(
  { role, port, keeps }: Placed,
  options: PodOptions & { readonly name: string; readonly command: readonly string[] },
): Container {
  const { name, command, image } = options;
  return {
    name,
    image,
    imagePullPolicy: 'IfNotPresent', // a node may have an image that no registry has
    command: ['tini', '--', ...command],
    env: environment(role, options),
    ...(port !== undefined && name === role && { ports: [{ containerPort: port }] }),
    securityContext: {
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, privileged: false },
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'files', mountPath: FILES, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
      ...(keeps === undefined ? [] : [{ name: 'kept', mountPath: keeps }]),
    ],
  };
}

function environment(role: Placed['role'], { secret, logsIn }: PodOptions): EnvVar[] {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const secrets = role === 'clock' ? [TOKEN] : SECRETS[role].filter((name) => name === TOKEN || logsIn);
  return [
    field('OPENCLAW_RL_MACHINE', 'spec.nodeName'),
    field('OPENCLAW_RL_TASK', 'metadata.name'),
    ...secrets.map((name) => ({
      name,
      valueFrom: { secretKeyRef: { name: secret, key: name, optional: name !== TOKEN } },
    })),
  ];
}

function until(command: readonly string[]): string[] {
  return ['sh', '-c', 'until "$@"; do sleep 1; done', 'sh', ...command];
}
