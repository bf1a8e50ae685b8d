import type { Owner } from '../store/cluster-state.ts';
import { markOf, type OwnedProcess } from './owned-processes.ts';
import { fateOf, ownerText, parseOwner, thisProgram } from './owner.ts';

/** The start of the role of a service; the `ownerText` of its program follows. */
const SERVICE = 'service of ';

/** The role of the services of this program. They end with it, whether their cluster ends or stays. */
export function serviceRole(): string {
  return `${SERVICE}${ownerText(thisProgram())}`;
}

/** The environment variables that mark the services of this program; `folder` is that of its run's own cluster. */
export function markServices(folder: string): Record<string, string> {
  return markOf({ cluster: folder, startId: '', role: serviceRole() });
}

/** Whether it is a service rather than a part of its cluster. */
export function isService({ role }: Pick<OwnedProcess, 'role'>): boolean {
  return role.startsWith(SERVICE);
}

/** Whether it is a service of a program that has ended. */
export function isAbandonedService({ role }: Pick<OwnedProcess, 'role'>): boolean {
  return isService({ role }) && isAbandoned(parseOwner(role.slice(SERVICE.length)));
}

export function isAbandoned(program: Owner | undefined): boolean {
  return program !== undefined && fateOf(program) === 'ended';
}
