import { given } from '../core/given.ts';
import type { Recorder } from '../load/recorder.ts';
import type { RoleWatch } from '../regions/cluster/role-watch.ts';
import { openExternal } from '../regions/external/external.ts';
import type { Endpoint, Endpoints } from '../topology/endpoints.ts';
import { FaultSchedule } from './fault-schedule.ts';
import type { HistoryFile } from './history-file.ts';
import type { Run } from './run-context.ts';
import type { System } from './system.ts';
import { untilSettled } from './watch/settled-watch.ts';

/** The schedule of a run's faults; undefined if it has none. */
export function makeSchedule(
  { plan, shell, folder }: Pick<Run, 'plan' | 'shell' | 'folder'>,
  {
    regions,
    setServiceClock,
    readServiceClock,
    serviceProcesses,
    description,
    targets,
  }: Omit<System, 'isOurs' | 'initial'>,
  {
    recorder,
    history,
    roles,
  }: { recorder: Pick<Recorder, 'nowUs'>; history: Pick<HistoryFile, 'add'>; roles?: RoleWatch | undefined },
): FaultSchedule | undefined {
  if (plan.faults.length === 0) return undefined;
  return new FaultSchedule({
    faults: plan.faults,
    seed: plan.seed,
    system: {
      regions: regions ?? openExternal(withoutNodes(plan.topology.regions), { file: description }),
      ...given({ setServiceClock, readServiceClock, serviceProcesses }),
      services: Object.fromEntries(targets.map(({ region, url }) => [region, addressOf(url)])),
    },
    shell: { ...shell, folder },
    nowUs: () => recorder.nowUs(),
    record: (fault) => history.add(fault),
    ...(regions && roles && { settled: (signal) => untilSettled(regions, roles, signal) }),
  });
}

function addressOf(url: string): Endpoint {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}

/** Of audited services, whose nodes are not known. */
function withoutNodes(regions: readonly string[]): Endpoints {
  return { kind: 'single', regions, nodes: [], services: {}, toxiproxy: {}, roundTripMs: {} };
}

/** Whether a fault that stays in force is more than a part of a cluster that ends now. */
export function outlastsRun({ faults }: Run['plan'], { isOurs }: System): boolean {
  return !isOurs || faults.some(({ fault }) => fault === 'command');
}
