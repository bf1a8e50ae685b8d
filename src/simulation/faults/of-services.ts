import type { GatewayClockSpec } from '../../scenario/faults/gateway-clock.ts';
import { affected } from '../../scenario/faults/of-store.ts';
import type { RestartServiceSpec } from '../../scenario/faults/restart-service.ts';
import type { SlowStoreSpec } from '../../scenario/faults/slow-store.ts';
import type { StoreOutageSpec } from '../../scenario/faults/store-outage.ts';
import { allOf, atOnce, type MakeFault } from './fault.ts';
import { whenStarted } from './when-started.ts';

export const gatewayClock: MakeFault<GatewayClockSpec> = ({ region, offsetMs }, { services }) => {
  const beforeMs = services.clockAheadMs(region);
  return atOnce({
    inject: () => services.setClock(region, offsetMs),
    heal: () => services.setClock(region, 0),
    look() {
      const byMs = services.clockAheadMs(region) - beforeMs;
      return {
        bit: offsetMs !== 0 && byMs === offsetMs,
        saw: `the clock of the service of ${region} moved by ${Math.round(byMs)} ms`,
      };
    },
  });
};

/** SIGKILL; the heal starts the services again at their addresses. */
export const restartService: MakeFault<RestartServiceSpec> = ({ region, instance }, { services, time }) => {
  const ids = () => services.idsOf(region, instance);
  const runAll = () => ids().every((id) => id !== undefined);
  const before = ids();
  return {
    inject(done) {
      services.kill(region, instance);
      done();
    },
    heal(done) {
      services.start(region, instance);
      whenStarted(
        time,
        {
          name: `a service of ${region}`,
          answers: runAll,
          failure: () => services.failureOf(region, instance),
        },
        done,
      );
    },
    looks: 'after the heal',
    look: () =>
      allOf(
        ids().map((id, at) => {
          const name = `service ${instance ?? at + 1} of ${region}`;
          if (id === undefined) return { bit: false, saw: `${name} does not run after the heal` };
          return id === before[at]
            ? { bit: false, saw: `the same process of ${name} runs as before` }
            : { bit: true, saw: `another process of ${name} runs than before` };
        }),
      ),
  };
};

/** No service of these regions reaches Redis. */
export const storeOutage: MakeFault<StoreOutageSpec> = (spec, { access, topology }) => {
  const regions = affected(spec, topology.regions);
  return atOnce({
    inject: () => access.cut(regions, spec.mode),
    heal: () => access.restore(regions),
    look: () =>
      allOf(
        regions.map((region) => {
          const { isCut } = access.state(region);
          return {
            bit: isCut,
            saw: `the simulated network passes ${isCut ? 'nothing' : 'data'} of the clients of ${region}`,
          };
        }),
      ),
  });
};

/** Each answer of Redis to these regions takes longer, half of it before the command runs. */
export const slowStore: MakeFault<SlowStoreSpec> = (spec, { access, topology }) => {
  const regions = affected(spec, topology.regions);
  return atOnce({
    inject: () => access.slow(regions, spec.latencyMs),
    heal: () => access.slow(regions, 0),
    look: () =>
      allOf(
        regions.map((region) => {
          const { slowMs } = access.state(region);
          return {
            bit: slowMs > 0,
            saw: `the simulated network adds ${slowMs} ms to each answer to ${region}`,
          };
        }),
      ),
  });
};
