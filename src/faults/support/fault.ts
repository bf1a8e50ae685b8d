import type { Random } from '../../core/prng.ts';
import type { NoteMove } from '../../regions/cluster/slots/move-slots.ts';
import type { Endpoint, Regions } from '../../regions/provider.ts';
import type { FaultSpec } from '../../scenario/faults/index.ts';
import type { Shell } from './shell.ts';

/** The system that faults act on. */
export interface FaultContext {
  readonly regions: Pick<
    Regions,
    'topology' | 'links' | 'access' | 'nodes' | 'direct' | 'announced' | 'view'
  >;
  /** Sets the clock offset of a region's Rating service. Absent if no service runs. */
  readonly setServiceClock?: (region: string, offsetMs: number) => Promise<void>;
  /** How far the clock of a region's Rating service is ahead of this machine's, in milliseconds. Absent like the former. */
  readonly readServiceClock?: (region: string) => Promise<number>;
  /** Absent like the former. */
  readonly serviceProcesses?: ServiceProcesses;
  /** Where the HTTP service of each region is reached. Absent if no service runs. */
  readonly services?: Readonly<Record<string, Endpoint>>;
  /** Runs commands of the user. Absent where none can be given. */
  readonly shell?: Shell;
  /** The only source of randomness of a fault. */
  readonly random: Random;
  /** Notes in the history that slots move. Absent where none is recorded. */
  readonly noteMove?: NoteMove;
  /** Aborts waits when the run ends; no undo depends on it. */
  readonly signal: AbortSignal;
}

/** The Rating services of a run: those of a region, or the `instance`-th of them, from 1. */
export interface ServiceProcesses {
  /** SIGKILL; resolves when they have ended. */
  kill(region: string, instance?: number): Promise<void>;
  /** Starts those that do not run at their former addresses; resolves once they listen. Throws ENVIRONMENT_FAILED. */
  start(region: string, instance?: number): Promise<void>;
  /** The id of each process that answers; undefined of one that does not. */
  idsOf(region: string, instance?: number): Promise<(string | undefined)[]>;
}

/** Removes the fault. Safe at any time and more than once; concurrent calls wait for the first. */
export type Undo = () => Promise<void>;

/**
 * Injects a fault and resolves once it is in force. The undo ends or awaits its background work: a ramp, a flap, the
 * wait for a takeover. Throws the errors of the regions, after removing a partly injected fault.
 */
export type Inject<S extends FaultSpec> = (spec: S, context: FaultContext) => Promise<Undo>;
