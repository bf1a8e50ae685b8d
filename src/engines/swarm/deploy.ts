import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docker } from '../../regions/docker/docker.ts';
import type { Deployed } from '../engine.ts';
import { labelFlags, type OwnedStack } from './labels.ts';
import { markOfStack } from './remove.ts';
import { secretName, stackConfigs, stackFile } from './stack-file.ts';

const DEPLOY_MS = 120_000;

/** Creates the services of a deployment; others of the stack stay as they are. Its secrets are those that exist already. */
export async function deployServices(
  { deployment, secrets }: Deployed,
  { stack, image }: { readonly stack: OwnedStack; readonly image: string },
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'openclaw-rl-stack-'));
  try {
    for (const { key, text } of stackConfigs(deployment).values()) await writeFile(join(folder, key), text);
    const file = join(folder, 'stack.yaml');
    await writeFile(file, stackFile(deployment, { stack, image, secrets: Object.keys(secrets) }));
    await docker(
      [
        'stack',
        'deploy',
        '--resolve-image',
        'never',
        '--with-registry-auth',
        '--compose-file',
        file,
        stack.name,
      ],
      { timeoutMs: DEPLOY_MS, mark: markOfStack(stack.name) },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Its value is neither in a file nor among the arguments of a process. */
export async function createSecret(stack: OwnedStack, variable: string, value: string): Promise<void> {
  const name = secretName(stack, variable);
  const create = ['secret', 'create', ...labelFlags(stack), name, '-'];
  await docker(create, { input: value, mark: markOfStack(stack.name) });
}
