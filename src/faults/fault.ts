import type { Random } from '../core/prng.ts';
import type { Regions } from '../regions/provider.ts';
import type { FaultSpec } from '../scenario/fault-spec.ts';

/** What faults act on. */
export interface FaultContext {
  readonly regions: Pick<Regions, 'topology' | 'links' | 'nodes' | 'direct' | 'announced'>;
  /** Sets how far the clock of a region's Rating service is off. Absent where no service runs. */
  readonly setServiceClock?: (region: string, offsetMs: number) => Promise<void>;
  /** All randomness of the fault. */
  readonly random: Random;
  /** Aborts waits when the run is over; no undo depends on it. */
  readonly signal: AbortSignal;
}

/**
 * Takes the fault away, whatever runs by then. May be called more than once, and at any moment of what a fault
 * goes on doing after it was injected; whoever calls it while it acts waits for that.
 */
export type Undo = () => Promise<void>;

/**
 * One way to break the system. Resolves once the fault is in force; what it goes on doing (a ramp, a flap, the
 * wait for a takeover) its undo ends or waits for. Throws what the regions throw; a part that was injected is
 * taken away first.
 */
export type Inject<S extends FaultSpec> = (spec: S, context: FaultContext) => Promise<Undo>;
