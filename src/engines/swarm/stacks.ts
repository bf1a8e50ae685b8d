import { docker } from '../../regions/docker/docker.ts';
import { fateOf, parseOwner } from '../../regions/processes/owner.ts';
import { MANAGER_LABEL, STACK_LABEL, STACK_OWNER_LABEL } from './labels.ts';

/** A stack of ours, whole or in part. */
export interface FoundStack {
  readonly name: string;
  /** Its program: `elsewhere` on another manager or in another pid namespace, where this one cannot see it. */
  readonly program: 'runs' | 'ended' | 'elsewhere';
  readonly pid?: number;
}

const ANSWER_MS = 5_000;

/** The node id of this machine if it is a manager of a swarm. One question, and none without a docker program. */
async function managerId(): Promise<string | undefined> {
  const format = '{{.Swarm.ControlAvailable}} {{.Swarm.NodeID}}';
  // Without an answer no stack can be seen; those who look for containers say why.
  const answer = await docker(['info', '--format', format], { timeoutMs: ANSWER_MS }).catch(() => '');
  const [isManager, id] = answer.split(' ');
  return isManager === 'true' ? id : undefined;
}

/** All stacks of ours in the swarm of this manager; none on another machine. Throws ENVIRONMENT_FAILED if only a part of them was found. */
export async function findStacks(): Promise<FoundStack[]> {
  const manager = await managerId();
  if (manager === undefined) return [];
  const found = await Promise.all([services(), ...['network', 'config', 'secret'].map(ofKind)]);
  const byName = new Map(found.flat().map((labels) => [labels.name, labels]));
  return [...byName.values()].map((labels) => describeStack(labels, manager));
}

interface StackLabels {
  readonly name: string;
  readonly owner: string;
  readonly manager: string;
}

/** What its labels say, on this manager. */
function describeStack({ name, owner: text, manager }: StackLabels, here: string): FoundStack {
  const owner = parseOwner(text);
  if (owner === undefined || manager !== here) return { name, program: 'elsewhere' };
  return { name, program: fateOf(owner), pid: owner.pid };
}

/** Services have labels that `docker service ls` does not print. */
async function services(): Promise<StackLabels[]> {
  const ids = linesOf(await docker(['service', 'ls', '--quiet', '--filter', `label=${STACK_LABEL}`]));
  if (ids.length === 0) return [];
  const format = [STACK_LABEL, STACK_OWNER_LABEL, MANAGER_LABEL].map(
    (label) => `{{index .Spec.Labels "${label}"}}`,
  );
  return labelsIn(await docker(['service', 'inspect', '--format', format.join('\t'), ...ids]));
}

async function ofKind(kind: string): Promise<StackLabels[]> {
  const format = [STACK_LABEL, STACK_OWNER_LABEL, MANAGER_LABEL].map((label) => `{{.Label "${label}"}}`);
  return labelsIn(
    await docker([kind, 'ls', '--filter', `label=${STACK_LABEL}`, '--format', format.join('\t')]),
  );
}

function labelsIn(text: string): StackLabels[] {
  return linesOf(text).map((line) => {
    const [name = '', owner = '', manager = ''] = line.split('\t');
    return { name, owner, manager };
  });
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
