import { environmentFailed } from '../../core/errors.ts';
import { count } from '../../core/units.ts';
import { chooseImages, provideOwnImage } from '../../regions/docker/images.ts';
import type { OnProgress } from '../../regions/provider.ts';
import type { Deployed, Engine } from '../engine.ts';
import { createSecret, deployServices } from './deploy.ts';
import { type OwnedStack, ownStack } from './labels.ts';
import { checkAddresses, diagnoseSwarm, lackOf, lookAtSwarm } from './machines.ts';
import { beginRemoval, removeStack } from './remove.ts';
import { findStacks } from './stacks.ts';
import { StartAgain } from './start-again.ts';
import { logOf, tasksOf } from './tasks.ts';

export interface SwarmOptions {
  /** Of the stack. */
  readonly name: string;
  readonly regions: readonly string[];
  /** How many containers the stack will have. */
  readonly containers: number;
  /** Names the image by OPENCLAW_RL_IMAGE. Without it the image is built here. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the checks only. */
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

/**
 * The swarm of this manager, once it can run a plan in these regions and the leftovers of killed programs are removed.
 * Deploys nothing. Throws ENVIRONMENT_FAILED with all that is missing, and INVALID_OPTION.
 */
export async function openSwarm({
  name,
  regions,
  containers,
  env,
  signal,
  onProgress,
}: SwarmOptions): Promise<Engine> {
  const facts = await lookAtSwarm(signal);
  const lack = lackOf(diagnoseSwarm(facts, regions));
  if (lack !== undefined) throw lack;
  checkAddresses(facts, containers);
  await removeAbandoned(onProgress);
  const images = chooseImages(env);
  if (images.own === undefined) onProgress('building the image openclaw-rl');
  const image = await provideOwnImage(images, signal);
  const { machines, address, nodeId } = facts;
  return {
    description: `a swarm of ${count(machines.length, 'machine')}`,
    address,
    ...stackOf(ownStack(name, nodeId), image),
  };
}

async function removeAbandoned(onProgress: OnProgress): Promise<void> {
  for (const { name, program } of await findStacks())
    if (program === 'ended')
      await removeStack(name).then(
        () => onProgress(`removed the leftovers of a killed run: ${name}`),
        (error: Error) => onProgress(`left alone: ${error.message}`),
      );
}

function stackOf(stack: OwnedStack, image: string): Omit<Engine, 'description' | 'address'> {
  const { name } = stack;
  const jobs = new Map<string, boolean>();
  const created = new Set<string>();
  const again = new StartAgain(name);
  let lost: ReadonlySet<string> = new Set();
  let removed: Promise<void> | undefined;
  return {
    async deploy({ deployment, secrets }: Deployed) {
      const given = Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== ''));
      for (const [variable, value] of Object.entries(given)) {
        if (created.has(variable)) continue;
        created.add(variable);
        await createSecret(stack, variable, value);
      }
      const services = deployment.services.filter((service) => !jobs.has(service.name));
      for (const service of services) jobs.set(service.name, service.isJob);
      const rest = { deployment: { ...deployment, services }, secrets: given };
      await deployServices(rest, { stack, image });
    },
    async tasks() {
      const tasks = await tasksOf(name, (service) => jobs.get(service) ?? false, again);
      lost = new Set(tasks.flatMap(({ state, service }) => (state === 'lost' ? [service] : [])));
      return tasks;
    },
    async log(service) {
      if (lost.has(service)) throw environmentFailed(`the machine of ${service} does not answer`); // docker would wait for it
      return logOf(name, service);
    },
    remove() {
      removed ??= removeStack(name);
      return removed;
    },
    kill: () => beginRemoval(name),
  };
}
