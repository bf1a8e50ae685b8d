import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from 'kubernetes-types/batch/v1.js';
import type { ConfigMap, Container, Pod } from 'kubernetes-types/core/v1.js';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';
import { dockerLack, imageVariables, withDocker } from '../support/docker.ts';

/** Few users who ask often, and a short load. */
const SCENARIO = `# Two regions of one Redis Cluster.
topology: { regions: [a, b], roundTrip: { 'a:b': 10ms }, replicas: 0 }
policy: 20:5/s
load: { connections: 20, users: 6, skew: 0, duration: 4s, ramp: 1s }
claims: [total-excess <= bound, false-denials <= 0, replay <= 0]
`;
const SECRETS: Readonly<Record<string, string>> = { OPENCLAW_RL_TOKEN: randomBytes(16).toString('hex') };

const call = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe' }).trim();
const docker = (...args: string[]) => call('docker', ...args);

/**
 * Runs pods of manifests as containers of one engine, in a network in which the name of a Service is that of its pod. What
 * only Kubernetes does is not in it: placing, Services, Secrets, retries.
 */
function startPods(files: string) {
  const own = `openclaw-rl-test-${randomBytes(4).toString('hex')}`;
  docker('network', 'create', own);
  onTestFinished(() => {
    const all = docker('ps', '--all', '--quiet', '--filter', `label=${own}`).split('\n').filter(Boolean);
    if (all.length > 0) docker('rm', '--force', '--volumes', ...all);
    docker('network', 'rm', own);
  });
  const nameOf = (pod: string) => `${own}-${pod}`;
  return {
    nameOf,
    start(name: string, { containers, initContainers = [], securityContext }: NonNullable<Pod['spec']>) {
      const [container] = containers;
      const [waiting] = initContainers;
      if (container === undefined) throw new Error(`${name} has no container`);
      const { runAsUser, runAsGroup } = securityContext ?? {};
      const options = (one: Container) => [
        ...['--network', own, '--label', own, '--user', `${runAsUser}:${runAsGroup}`],
        ...(one.securityContext?.readOnlyRootFilesystem ? ['--read-only'] : []),
        ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
        ...(one.volumeMounts ?? []).flatMap(({ name: volume, mountPath }) =>
          volume === 'files'
            ? ['--volume', `${files}:${mountPath}:ro`]
            : ['--tmpfs', `${mountPath}:mode=1777`],
        ),
        ...(one.env ?? []).flatMap(({ name, valueFrom }) => ['--env', `${name}=${secretOrField(valueFrom)}`]),
      ];
      const secretOrField = (from: NonNullable<Container['env']>[number]['valueFrom']) =>
        from?.fieldRef
          ? from.fieldRef.fieldPath === 'metadata.name'
            ? name
            : 'node-1'
          : SECRETS[from?.secretKeyRef?.key ?? ''];
      const commandOf = ({ command: [entry = '', ...args] = [], image = '' }: Container) => [
        '--entrypoint',
        entry,
        image,
        ...args,
      ];
      if (waiting) docker('run', '--rm', ...options(waiting), ...commandOf(waiting));
      docker(
        'run',
        '--detach',
        '--name',
        nameOf(name),
        '--network-alias',
        name,
        ...options(container),
        ...commandOf(container),
      );
    },
    /** The exit code and the log of a job once it has ended. */
    async ended(name: string) {
      const state = () =>
        docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', nameOf(name));
      await vi.waitUntil(() => state().startsWith('exited'), { timeout: 150_000, interval: 200 });
      return {
        code: state().split(' ')[1],
        log: call('sh', '-c', 'docker logs "$1" 2>&1', 'sh', nameOf(name)),
      };
    },
  };
}

describe.skipIf(dockerLack !== undefined)(
  `the manifests for Kubernetes: ${withDocker}`,
  { timeout: 300_000 },
  () => {
    beforeAll(() => void imageVariables(), 360_000); // a new machine makes its images first: no part of what is tested

    it('are a run that passes, with each pod as a container', async () => {
      const folder = testFolder();
      writeFileSync(join(folder, 'two.yaml'), SCENARIO);
      const { OPENCLAW_RL_IMAGE: id = '' } = imageVariables();
      const image = `openclaw-rl-test:${id.replace(/^sha256:/, '').slice(0, 12)}`;
      docker('tag', id, image);
      onTestFinished(() => void docker('rmi', image));
      const startAt = new Date(Date.now() + 70_000).toISOString();
      const flags = ['--engine', 'kubernetes', '--start-at', startAt, '--image', image, '--json'];
      const { code, stdout, stderr } = await callCli(['manifests', 'two.yaml', ...flags], { cwd: folder });
      expect(code, stderr).toBe(0);
      const { items }: { items: (ConfigMap | Pod | Job)[] } = JSON.parse(stdout);

      const files = join(folder, 'files');
      mkdirSync(files);
      const maps = items.filter((one): one is ConfigMap => one.kind === 'ConfigMap');
      for (const [name, text] of Object.entries(maps[0]?.data ?? {})) writeFileSync(join(files, name), text);
      for (const path of [folder, files]) chmodSync(path, 0o755);

      const pods = startPods(files);
      for (const one of items) {
        const name = one.metadata?.name ?? '';
        if (one.kind === 'Pod' && one.spec) pods.start(name, one.spec);
        if (one.kind !== 'Job' || !one.spec?.template.spec) continue;
        pods.start(name, one.spec.template.spec);
        if (name === 'form') expect(await pods.ended(name)).toMatchObject({ code: '0' });
      }
      for (const region of ['a', 'b']) {
        const { code, log } = await pods.ended(`load-${region}`);
        expect(code, log).toBe('0');
      }
      mkdirSync(join(folder, 'parts'));
      execFileSync('sh', [
        '-c',
        `docker exec "$1" tar -c -C /parts . | tar -x -C "$2"`,
        'sh',
        pods.nameOf('clock'),
        join(folder, 'parts'),
      ]);
      const [run = ''] = readdirSync(join(folder, 'parts'));
      const parts = readdirSync(join(folder, 'parts', run)).map((file) => join('parts', run, file));
      expect(parts).toHaveLength(2);
      const checked = await callCli(['check', ...parts], { cwd: folder });
      expect(checked.stdout).toMatch(/^verdict {2}(pass|unknown)/);
      expect([0, 2], checked.stdout).toContain(checked.code); // a busy machine drains few buckets
    });
  },
);
