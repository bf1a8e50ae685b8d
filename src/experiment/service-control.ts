import type { FaultContext, ServiceProcesses } from '../faults/support/fault.ts';
import { readServiceClock, readServiceProcess, setServiceClock } from '../rating/remote-clock.ts';
import { settleAll } from '../regions/waiting.ts';
import type { ServiceProcess } from './service-process.ts';
import type { RegionServices } from './services.ts';

interface Instance {
  readonly process: ServiceProcess;
  /** Where its clock is reached: through the gateway of its region, which also reaches it in a container. */
  readonly url: string;
}

/** What faults do to the Rating services of a run. */
export function controlServices(
  services: ReadonlyMap<string, RegionServices>,
): Required<Pick<FaultContext, 'setServiceClock' | 'readServiceClock' | 'serviceProcesses'>> {
  const instancesOf = (region: string, instance?: number): Instance[] => {
    const { gateway, ratings } = services.get(region) ?? {};
    const all = ratings?.map((process, at) => ({ process, url: `${gateway?.reached}/instances/${at + 1}` }));
    return (all ?? []).filter((_, at) => instance === undefined || at === instance - 1);
  };
  const serviceProcesses: ServiceProcesses = {
    kill: (region, instance) => settleAll(instancesOf(region, instance).map(({ process }) => process.kill())),
    start: (region, instance) =>
      settleAll(instancesOf(region, instance).map(({ process }) => process.startAgain())),
    idsOf: (region, instance) =>
      Promise.all(instancesOf(region, instance).map(({ url }) => readServiceProcess(url))),
  };
  return {
    setServiceClock: (region, offsetMs) =>
      settleAll(instancesOf(region).map(({ url }) => setServiceClock(url, offsetMs))),
    async readServiceClock(region) {
      const ahead = await Promise.all(instancesOf(region).map(({ url }) => readServiceClock(url)));
      return ahead.reduce((least, ms) => (Math.abs(ms) < Math.abs(least) ? ms : least));
    },
    serviceProcesses,
  };
}
