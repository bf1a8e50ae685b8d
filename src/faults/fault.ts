import type { Random } from '../core/prng.ts';
import type { Regions } from '../regions/provider.ts';
import type { FaultSpec } from '../scenario/fault-spec.ts';

/** What faults act on. */
export interface FaultContext {
  readonly regions: Pick<Regions, 'topology' | 'links' | 'nodes' | 'direct'>;
  /** Sets how far the clock of a region's Rating service is off. Absent where no service runs. */
  readonly setServiceClock?: (region: string, offsetMs: number) => Promise<void>;
  /** All randomness of the fault. */
  readonly random: Random;
  /** Aborts waits when the run is over; an undo never waits for it. */
  readonly signal: AbortSignal;
}

/** Takes the fault away. May be called while it is still being injected, and more than once. */
export type Undo = () => Promise<void>;

/** One way to break the system. Throws what the regions throw; a part that was injected is taken away first. */
export type Inject<S extends FaultSpec> = (spec: S, context: FaultContext) => Promise<Undo>;
