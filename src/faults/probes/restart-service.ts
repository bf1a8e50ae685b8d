import type { RestartServiceSpec } from '../../scenario/faults/restart-service.ts';
import { allOf, type MakeProbe, type Sight } from './probe.ts';

/** None of the services answers, and once healed each is another process. */
export const restartServiceProbe: MakeProbe<RestartServiceSpec> = async ({ region, instance }, context) => {
  const ids = async () => (await context.serviceProcesses?.idsOf(region, instance)) ?? [];
  const nameOf = (at: number) => `service ${instance ?? at + 1} of ${region}`;
  const before = await ids();
  const lookAt = (now: readonly (string | undefined)[], see: (id: string | undefined, at: number) => Sight) =>
    allOf(
      before.map((id, at) =>
        id === undefined
          ? { bit: false, saw: `${nameOf(at)} did not answer before the fault, too` }
          : see(now[at], at),
      ),
    );
  return {
    looks: 'throughout',
    look: async () =>
      lookAt(await ids(), (id, at) => ({
        bit: id === undefined,
        saw: `${nameOf(at)} ${id === undefined ? 'does not answer' : 'answers'}`,
      })),
    lookHealed: async () =>
      lookAt(await ids(), (id, at) => {
        if (id === undefined) return { bit: false, saw: `${nameOf(at)} does not answer after the heal` };
        return id === before[at]
          ? { bit: false, saw: `the same process of ${nameOf(at)} answers as before` }
          : { bit: true, saw: `${nameOf(at)} did not answer, and another process of it does now` };
      }),
  };
};
