import { z } from 'zod';
import type { PlannedNode } from '../../topology/topology.ts';
import { drawnDuration } from '../fields.ts';
import type { MsRange } from '../units.ts';

/** The ranges for the time of injection after the start of the load, and for the time from then until healing. */
export interface DrawnTimes {
  readonly at: MsRange;
  readonly for: MsRange;
}

/** The definition of a fault, without its injection. */
export interface FaultDefinition<Spec> {
  /** Reads it from a scenario. */
  readonly schema: z.ZodType<Spec & DrawnTimes>;
  /** The parts of the system that the fault changes, in words. */
  readonly changes: (spec: Spec, regions: readonly string[]) => readonly string[];
  /** For a fault of a node: the nodes that it can affect. */
  readonly nodes?: NodeFit;
  /** It ends by itself; its undo only verifies that. */
  readonly isMomentary?: true;
  /** It loses many replies, while the requests take effect. */
  readonly losesReplies?: true;
  /** Its behaviour is drawn from a seed. */
  readonly isDrawn?: true;
  /** It needs the services of a run; a cluster alone has none. */
  readonly needsService?: true;
  /** It is between services and Redis, which only local regions can change. */
  readonly ofStore?: true;
  readonly form: FaultForm<Spec>;
}

export interface NodeFit {
  readonly what: string;
  readonly test: (node: PlannedNode, all: readonly PlannedNode[]) => boolean;
}

/** A fault on the command line: each option gives one key of its specification. */
export interface FaultForm<Spec> {
  readonly about: string;
  /** The words after the name of the command; a line that begins with `#` is a comment on the next. */
  readonly examples: readonly string[];
  readonly options: readonly FaultOption<Spec>[];
  /** Throws INVALID_OPTION if these options cannot be combined. */
  readonly check?: (given: object) => void;
}

export interface FaultOption<Spec> {
  /** As `--add <ms>`. */
  readonly flags: string;
  readonly key: Spec extends unknown ? Exclude<keyof Spec, 'fault'> : never;
  readonly about: string;
  /** Default: text, or a list of it. `groups` are lists, with commas within each; `shift` is a time that may be negative. */
  readonly value?:
    | 'groups'
    | 'shift'
    | { readonly leastMs: number; readonly mostMs: number }
    | { readonly from: number; readonly to: number }
    | { readonly parse: (text: string) => unknown; readonly format: (value: unknown) => string }
    | readonly string[];
  /** As the user would type it. */
  readonly byDefault?: string;
  readonly isRequired?: true;
}

/** The keys that every fault of a scenario has. */
export const head = <const Name extends string>(name: Name, description: string) => ({
  fault: z.literal(name, { error: name }).meta({ description }),
  at: drawnDuration().meta({
    description:
      'When it is injected, after the start of the load: a time, or a range to draw it from, like 3s..6s.',
  }),
  for: drawnDuration({ mustLast: true }).meta({
    description: 'How long until it is healed: a time or a range. It must be healed by the end of the load.',
  }),
});
