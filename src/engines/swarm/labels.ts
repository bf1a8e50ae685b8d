import { ownerText, thisProgram } from '../../regions/processes/owner.ts';

/**
 * The label of the services, containers, networks, configs and secrets of a stack; its value is the name of the stack. It
 * finds them on every manager, even after a SIGKILL of the program at any moment.
 */
export const STACK_LABEL = 'openclaw-rl.stack';
/** The program (`ownerText`) with which a stack ends. */
export const STACK_OWNER_LABEL = 'openclaw-rl.owner';
/** The node id of the manager on which that program runs. */
export const MANAGER_LABEL = 'openclaw-rl.manager';
/** Of a service and its containers: its name in the deployment. */
export const SERVICE_LABEL = 'openclaw-rl.service';
export const SERVICE_ROLE_LABEL = 'openclaw-rl.role';
/** By which `docker stack rm` finds what is of a stack. */
const NAMESPACE_LABEL = 'com.docker.stack.namespace';

export interface OwnedStack {
  readonly name: string;
  readonly owner: string;
  /** A node id. */
  readonly manager: string;
}

/** A stack of this program. */
export function ownStack(name: string, manager: string): OwnedStack {
  return { name, manager, owner: ownerText(thisProgram()) };
}

export function labelsOf({ name, owner, manager }: OwnedStack): Record<string, string> {
  return { [STACK_LABEL]: name, [STACK_OWNER_LABEL]: owner, [MANAGER_LABEL]: manager };
}

/** Flags of `docker ... create` for something that `docker stack deploy` does not create itself. */
export function labelFlags(stack: OwnedStack): string[] {
  const labels = { ...labelsOf(stack), [NAMESPACE_LABEL]: stack.name };
  return Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
}
