import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Pod } from 'kubernetes-models/v1/Pod';
import { Service } from 'kubernetes-models/v1/Service';
import { describe, expect, it, onTestFinished } from 'vitest';
import { foundation, measuredServices } from '../../../src/engines/deployment.ts';
import { CLOCK_URL, type Manifest, manifestsOf } from '../../../src/engines/kubernetes/manifests.ts';
import { parseEndpoints } from '../../../src/scenario/endpoints/parse.ts';
import { parseScenario } from '../../../src/scenario/parse.ts';
import type { Endpoints } from '../../../src/topology/endpoints.ts';

const ROOT = join(import.meta.dirname, '../../..');
const OWN_REDIS = parseEndpoints(
  JSON.stringify({
    ...{ kind: 'single', regions: ['us-east', 'eu-west', 'ap-south'] },
    nodes: [{ name: 'one', region: 'eu-west', address: 'rediss://redis.example.com:6380' }],
  }),
  'x.yaml',
);

interface Written {
  readonly strategy?: string;
  readonly instances?: number;
}

function made(written: Written = {}, endpoints?: Endpoints) {
  const about = { load: { duration: '20s' }, claims: ['total-excess <= bound'] };
  const plan = parseScenario(`# why\n${JSON.stringify({ ...about, ...written })}`, { file: 'x.yaml' });
  const options = { name: 'run', ...(endpoints && { endpoints }) };
  const measured = measuredServices(plan, {
    ...options,
    ...{ prefix: 'rate:openclaw:run-1', clockUrl: CLOCK_URL, startAt: '2026-03-01T12:30:00.000Z' },
    ...{ run: 'run', files: { 'x.yaml': '{}' } },
  });
  const from = { foundation: foundation(plan, options), measured };
  return manifestsOf(from, { run: 'run-1', image: 'registry.example.com/openclaw-rl:1', secret: 'mine' });
}

function allOf(...args: Parameters<typeof made>): Manifest[] {
  const { foundation, measured } = made(...args);
  return [...foundation, ...measured];
}

const MODELS = { ConfigMap, Job, Pod, Service };

/** Throws for an object that the published schema of its kind refuses. The schemas allow fields that they do not know. */
function validate(manifest: Manifest): void {
  const Model = MODELS[manifest.kind ?? 'Pod'];
  new Model(manifest as never).validate();
}

/** What the compiler says of the objects as literals: of the published types, it also knows which fields there are. */
async function typeErrors(manifests: readonly Manifest[]): Promise<string> {
  mkdirSync(join(ROOT, 'node_modules/.cache'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'node_modules/.cache/kubernetes-')); // where packages are found
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'manifests.ts');
  const kinds = "import type { Job } from 'kubernetes-types/batch/v1.js';\n".concat(
    "import type { ConfigMap, Pod, Service } from 'kubernetes-types/core/v1.js';\n",
  );
  const literals = manifests.map((one, at) => `export const m${at}: ${one.kind} = ${JSON.stringify(one)};`);
  writeFileSync(file, kinds + literals.join('\n'));
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--ignoreConfig'];
  return promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), [...flags, file]).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  );
}

const VARIANTS = [
  { title: 'a cluster', written: {} },
  { title: 'two Rating services in each region', written: { instances: 2 } },
  { title: 'regions apart', written: { strategy: 'active-active' } },
  { title: 'Redis that runs already', written: {}, endpoints: OWN_REDIS },
] as const;

describe('the manifests for Kubernetes', { timeout: 60_000 }, () => {
  it.each(VARIANTS)('are what the published schemas allow: $title', ({ written, ...more }) => {
    const manifests = allOf(written, 'endpoints' in more ? more.endpoints : undefined);
    expect(manifests.length).toBeGreaterThan(12);
    for (const manifest of manifests) validate(manifest);
  });

  it('have no field that the published types do not know', async () => {
    expect(await typeErrors([...allOf(), ...allOf({}, OWN_REDIS)])).toBe('');
  });

  it.each<{ title: string; in: string; plant: (spec: Planted) => void; says: RegExp }>([
    {
      title: 'a container without a name',
      in: 'redis-us-east-0',
      plant: ({ containers: [one] }) => delete one?.name,
      says: /spec\/containers\/0 must have required property name/,
    },
    {
      title: 'a port that is text',
      in: 'gateway-us-east',
      plant: ({ containers: [one] }) => Object.assign(one?.ports?.[0] ?? {}, { containerPort: '8080' }),
      says: /containerPort must be integer/,
    },
    {
      title: 'a command that is one text',
      in: 'clock',
      plant: ({ containers: [one] }) => Object.assign(one ?? {}, { command: 'openclaw-rl serve clock' }),
      says: /command must be array/,
    },
    {
      title: 'a volume without a name',
      in: 'rating-eu-west-1',
      plant: ({ volumes }) => delete volumes[0]?.name,
      says: /volumes\/0 must have required property name/,
    },
  ])('would be refused with $title', async ({ in: name, plant, says }) => {
    const manifest = structuredClone(find('Pod', name));
    validate(manifest);
    plant(manifest.spec as unknown as Planted);
    expect(() => validate(manifest)).toThrow(says);
  });

  it('would be refused with a misspelled field', async () => {
    const job = structuredClone(find('Job', 'load-eu-west'));
    Object.assign(job.spec ?? {}, { backofLimit: 0 });
    expect(await typeErrors([job])).toMatch(/"backofLimit"' does not exist in type 'JobSpec'/);
  });

  it('are in the order in which they are applied', () => {
    const named = ({ kind, metadata }: Manifest) => `${kind} ${metadata?.name}`;
    const { foundation, measured } = made();
    expect(foundation.map(named).slice(0, 5)).toEqual([
      ...['ConfigMap openclaw-rl-files', 'Service clock', 'Pod clock'],
      ...['Service redis-us-east-0', 'Pod redis-us-east-0'],
    ]);
    expect(foundation.map(named).at(-1)).toBe('Job form');
    expect(measured.map(named).slice(0, 5)).toEqual([
      ...[
        'Service rating-us-east-1',
        'Pod rating-us-east-1',
        'Service gateway-us-east',
        'Pod gateway-us-east',
      ],
      'Job load-us-east',
    ]);
  });

  it('restart nothing, on the machines of their region, without privilege', () => {
    for (const manifest of allOf()) {
      const spec = podOf(manifest);
      if (spec === undefined) continue;
      const name = manifest.metadata?.name ?? '';
      expect(spec.restartPolicy).toBe('Never');
      if (manifest.kind === 'Job') expect(manifest.spec?.backoffLimit).toBe(0);
      const region = ['us-east', 'eu-west', 'ap-south'].find((one) => name.includes(one));
      const chosen = region ?? (name === 'form' ? 'us-east' : undefined);
      expect(spec.nodeSelector).toEqual(chosen && { 'openclaw.region': chosen });
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1_000 });
      for (const { securityContext } of [...spec.containers, ...(spec.initContainers ?? [])])
        expect(securityContext).toEqual({
          ...{ allowPrivilegeEscalation: false, privileged: false, readOnlyRootFilesystem: true },
          capabilities: { drop: ['ALL'] },
        });
    }
  });

  it('have a Service for each address that a command names, which finds its pod', () => {
    const manifests = allOf({ instances: 2 });
    const hosts = new Set(
      [...JSON.stringify(manifests).matchAll(/(?:http|redis):\/\/([a-z][\w-]+):/g)].map(at1),
    );
    expect([...hosts].sort().slice(0, 3)).toEqual(['clock', 'gateway-ap-south', 'gateway-eu-west']);
    for (const host of hosts) {
      const service = find('Service', host, manifests);
      const { labels = {} } = find('Pod', host, manifests).metadata ?? {};
      expect(labels).toMatchObject((service.spec as { selector: object }).selector);
    }
  });

  it('name a Secret and have no secret: the token for clock and load, logins where Redis runs already', () => {
    const secretsIn = (manifests: Manifest[], kind: 'Pod' | 'Job', name: string) =>
      podOf(find(kind, name, manifests))?.containers[0]?.env?.flatMap(
        ({ valueFrom }) => valueFrom?.secretKeyRef ?? [],
      );
    const token = { name: 'mine', key: 'OPENCLAW_RL_TOKEN', optional: false };
    const password = { name: 'mine', key: 'REDIS_PASSWORD', optional: true };
    expect(secretsIn(allOf(), 'Pod', 'clock')).toEqual([token]);
    expect(secretsIn(allOf(), 'Job', 'load-us-east')).toEqual([token]);
    expect(secretsIn(allOf(), 'Pod', 'rating-us-east-1')).toEqual([]);
    const own = allOf({}, OWN_REDIS);
    expect(secretsIn(own, 'Pod', 'rating-us-east-1')).toContainEqual(password);
    expect(secretsIn(own, 'Job', 'look-us-east')).toContainEqual(password);
    expect(secretsIn(own, 'Pod', 'gateway-us-east')).toEqual([]);
  });

  it('let Rating services and load wait until the nodes are a cluster', () => {
    const waiting = (manifests: Manifest[]) =>
      manifests.filter((one) => podOf(one)?.initContainers).map(({ metadata }) => metadata?.name);
    expect(waiting(allOf())).toEqual(
      ['us-east', 'eu-west', 'ap-south'].flatMap((region) => [`rating-${region}-1`, `load-${region}`]),
    );
    expect(waiting(allOf({}, OWN_REDIS))).toEqual([]);
  });
});

interface Planted {
  readonly containers: { name?: string; ports?: object[] }[];
  readonly volumes: { name?: string }[];
}

const at1 = ([, first = '']: RegExpMatchArray) => first;

function find<K extends Manifest['kind']>(kind: K, name: string, manifests: readonly Manifest[] = allOf()) {
  const found = manifests.find((one) => one.kind === kind && one.metadata?.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found as Extract<Manifest, { kind?: K }>;
}

function podOf(manifest: Manifest) {
  if (manifest.kind === 'Pod') return manifest.spec;
  return manifest.kind === 'Job' ? manifest.spec?.template.spec : undefined;
}
