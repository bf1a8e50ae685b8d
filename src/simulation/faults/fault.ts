import type { OpenclawError } from '../../core/errors.ts';
import type { Random } from '../../core/prng.ts';
import type { NoteMove } from '../../regions/cluster/slots/move-slots.ts';
import type { FaultSpec } from '../../scenario/faults/index.ts';
import type { Topology } from '../../topology/topology.ts';
import type { SimulatedAccess } from '../network/access.ts';
import type { SimulatedLinks } from '../network/links.ts';
import type { SimulatedNodes } from '../nodes/simulated-nodes.ts';
import type { VirtualTime } from '../virtual-time.ts';

/** The Rating services of a run: those of a region, or the `instance`-th of them, from 1. */
export interface FaultyServices {
  /** How far their clocks are ahead; negative is behind. */
  setClock(region: string, aheadMs: number): void;
  clockAheadMs(region: string): number;
  /** SIGKILL. */
  kill(region: string, instance?: number): void;
  /** Starts those that do not run. */
  start(region: string, instance?: number): void;
  /** The id of each process that listens; undefined for one that does not. */
  idsOf(region: string, instance?: number): readonly (string | undefined)[];
  /** Why the last start of one of them has failed. */
  failureOf(region: string, instance?: number): OpenclawError | undefined;
}

/** The system that faults act on. */
export interface FaultSystem {
  readonly topology: Topology;
  readonly time: VirtualTime;
  readonly links: SimulatedLinks;
  readonly access: SimulatedAccess;
  readonly nodes: SimulatedNodes;
  readonly services: FaultyServices;
}

export interface FaultContext extends FaultSystem {
  /** Records that slots begin to move. The result is called once they have. */
  readonly noteMove: NoteMove;
  /** The only source of randomness of a fault. */
  readonly random: Random;
  /** Whether the run ends: nothing is waited for. */
  readonly isOver: () => boolean;
}

/** What the model knows of a fault, at one moment. */
export interface Sight {
  /** Whether the fault was in force. */
  readonly bit: boolean;
  /** A sentence for the report, without its end. */
  readonly saw: string;
}

/** One fault in a simulation. */
export interface SimulatedFault {
  /** Calls `done` once it is in force, or with the error why it cannot be. */
  inject(done: (failure?: OpenclawError) => void): void;
  /** Removes what was injected, and calls `done` once that is over, or with the error why it is not: then it is called again. */
  heal(done: (failure?: OpenclawError) => void): void;
  /** When `look` sees it in force. */
  readonly looks: 'once injected' | 'before the heal' | 'after the heal';
  look(): Sight;
}

export type MakeFault<Spec extends FaultSpec> = (spec: Spec, context: FaultContext) => SimulatedFault;

/** A fault that is in force and healed at once. */
export function atOnce({
  inject,
  heal,
  look,
}: {
  readonly inject: () => void;
  readonly heal: () => void;
  readonly look: () => Sight;
}): SimulatedFault {
  return {
    inject(done) {
      inject();
      done();
    },
    heal(done) {
      heal();
      done();
    },
    looks: 'before the heal',
    look,
  };
}

/** The first sight of what was not in force; if all was, all of them. */
export function allOf(sights: readonly Sight[]): Sight {
  const failed = sights.find(({ bit }) => !bit);
  return failed ?? { bit: sights.length > 0, saw: sights.map(({ saw }) => saw).join('; ') };
}
