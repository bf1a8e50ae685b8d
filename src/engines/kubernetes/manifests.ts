import type { Job } from 'kubernetes-types/batch/v1.js';
import type { ConfigMap, Pod, Service } from 'kubernetes-types/core/v1.js';
import { invalidOption } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { type Deployment, ENDPOINTS_FILE, FILES } from '../deployment.ts';
import { type Placed, type PodOptions, podSpec } from './pods.ts';

export type Manifest = ConfigMap | Job | Pod | Service;

export interface ManifestOptions extends Pick<PodOptions, 'image' | 'secret'> {
  /** The name of the run. */
  readonly run: string;
}

export interface Manifests {
  /** The clock, the files, and the Redis nodes with the job that forms them, or a look at Redis that runs already. */
  readonly foundation: readonly Manifest[];
  /** Gateways, Rating services and load. */
  readonly measured: readonly Manifest[];
}

export const CLOCK = { name: 'clock', port: 7_070 } as const;
/** Where the clock keeps the parts of a run. */
export const PARTS = '/parts';
/** The clock as the load finds it, whatever the namespace. */
export const CLOCK_URL = `http://${CLOCK.name}:${CLOCK.port}`;
const FILES_NAME = 'openclaw-rl-files';

/**
 * Both deployments as objects of Kubernetes, without a namespace. A job is a Job without retries; all others are a Pod,
 * which no controller replaces, and a Service without an address of its own, since nodes of a cluster know each other
 * by the addresses of pods. Throws INVALID_OPTION.
 */
export function manifestsOf(
  { foundation, measured }: { readonly foundation: Deployment; readonly measured: Deployment },
  options: ManifestOptions,
): Manifests {
  const areNodesOurs = foundation.services.some(({ role }) => role === 'redis');
  const looks = ['openclaw-rl', 'doctor', '--endpoints', `${FILES}/${ENDPOINTS_FILE}`];
  const hasToWait = (role: Placed['role']) => areNodesOurs && (role === 'rating' || role === 'load');
  const pods: ManifestOptions & PodOptions = {
    ...options,
    files: FILES_NAME,
    logsIn: !areNodesOurs,
    startsAfter: (role) => (hasToWait(role) ? looks : undefined),
  };
  return {
    foundation: [
      filesOf({ ...foundation.files, ...measured.files }, options),
      ...standing(clock(), pods),
      ...objectsOf(foundation, pods),
    ],
    measured: objectsOf(measured, pods),
  };
}

function clock(): Placed {
  const { name, port } = CLOCK;
  const listens = ['--host', '0.0.0.0', '--port', String(port)];
  return {
    ...{ name, port, role: 'clock', keeps: PARTS },
    command: ['openclaw-rl', 'serve', 'clock', ...listens, '--parts', PARTS],
  };
}

/** The most that Kubernetes keeps in a ConfigMap, without its names. */
const MOST_BYTES = 1_000_000;
const KEY = /^[-._a-zA-Z0-9]{1,253}$/;

/** Throws INVALID_OPTION for files that fit into no ConfigMap. */
function filesOf(data: Readonly<Record<string, string>>, options: ManifestOptions): ConfigMap {
  const wrong = Object.keys(data).find((name) => !KEY.test(name));
  if (wrong !== undefined)
    throw invalidOption(
      `a file of a ConfigMap has a name of letters, digits, ".", "_" and "-"; found ${printable(wrong)}`,
      'rename it',
    );
  const bytes = Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > MOST_BYTES)
    throw invalidOption(
      `a ConfigMap has at most ${MOST_BYTES} bytes; the scenario and its files have ${bytes}`,
      'send a shorter log',
    );
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata({ name: FILES_NAME }, options), data };
}

function objectsOf({ services }: Deployment, options: ManifestOptions & PodOptions): Manifest[] {
  return services.flatMap(({ isJob, ...service }): Manifest[] =>
    isJob ? [job(service, options)] : standing(service, options),
  );
}

function job(placed: Placed, options: ManifestOptions & PodOptions): Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadata(placed, options),
    spec: {
      backoffLimit: 0, // a part is sent once
      template: {
        metadata: { labels: labels(placed) },
        spec: podSpec(placed, options),
      },
    },
  };
}

function standing(placed: Placed, options: ManifestOptions & PodOptions): [Service, Pod] {
  const { port = 0 } = placed;
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(placed, options),
      spec: { clusterIP: 'None', selector: { [SERVICE_LABEL]: placed.name }, ports: [{ port }] },
    },
    { apiVersion: 'v1', kind: 'Pod', metadata: metadata(placed, options), spec: podSpec(placed, options) },
  ];
}

const SERVICE_LABEL = 'openclaw-rl.service';

function metadata(placed: Pick<Placed, 'name'> & Partial<Placed>, { run }: ManifestOptions) {
  return { name: placed.name, labels: labels(placed), annotations: { 'openclaw-rl.run': run } };
}

function labels({ name, role }: Pick<Placed, 'name'> & Partial<Placed>): Record<string, string> {
  return {
    'app.kubernetes.io/part-of': 'openclaw-rl',
    [SERVICE_LABEL]: name,
    ...(role && { 'openclaw-rl.role': role }),
  };
}
