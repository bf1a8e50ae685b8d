import type { ClockReading } from '../../history/records/operation.ts';
import { contradictionTexts, percentText } from './describe-clocks.ts';
import type { MachineClocks } from './machine-clocks.ts';
import type { MappedParts } from './map-parts.ts';
import { ppmOf } from './offset-point.ts';

/** How well the clock of a machine is known. */
export interface MachineFacts {
  readonly machine: string;
  readonly parts: readonly string[];
  /** Half of the largest distance between the bounds of its offset to the base, while it sent requests or was read. */
  readonly errorUs: number;
  readonly readings: {
    /** Of the clock endpoint. */
    readonly base: number;
    /** Of the TIME of Redis nodes. */
    readonly nodes: number;
    /** The most exact decisions of each quarter second. */
    readonly decisions: number;
    /** Decisions that contradict the others. */
    readonly dropped: number;
  };
}

/** What a report says of the clocks of a run in parts; nothing of other runs. */
export interface ClockFacts {
  /** How well the clock of each machine is known. */
  readonly machines?: readonly MachineFacts[];
  /** The most by which two clocks drift apart, as assumed. Parts per million. */
  readonly driftPpm?: number;
  /** Readings that contradict each other, and nodes that are several servers, as sentences: with any of them the verdict is `unknown`. */
  readonly contradictions?: readonly string[];
}

export function machineFacts(mapped: MappedParts | undefined): ClockFacts {
  if (mapped === undefined) return {};
  const { clocks, spans } = mapped;
  const contradictions = [...mapped.otherServers, ...contradictionTexts(clocks)];
  const nodes = [...clocks.nodes.values()];
  const machines = [...clocks.machines.values()].map(({ machine, parts, pings, errorUs }): MachineFacts => {
    const { firstUs, lastUs } = spans.get(machine) ?? spanOfReadings(pings);
    const decided = nodes.map(({ readings }) => readings.get(machine));
    const sum = (of: (one: NonNullable<(typeof decided)[number]>) => number) =>
      decided.reduce((total, one) => total + (one === undefined ? 0 : of(one)), 0);
    const readings = {
      base: pings.length,
      nodes: sum(({ times }) => times),
      decisions: sum(({ used }) => used),
      dropped: sum(({ dropped }) => dropped),
    };
    return { machine, parts, errorUs: errorUs(firstUs, lastUs), readings };
  });
  return {
    ...{ machines, driftPpm: ppmOf(clocks.rate) },
    ...(contradictions.length > 0 && { contradictions }),
  };
}

/** Of a machine that sent no requests. */
function spanOfReadings(pings: readonly ClockReading[]): { firstUs: number; lastUs: number } {
  const [first] = pings;
  if (first === undefined) return { firstUs: 0, lastUs: 0 };
  return pings.reduce(
    ({ firstUs, lastUs }, { atUs }) => ({ firstUs: Math.min(firstUs, atUs), lastUs: Math.max(lastUs, atUs) }),
    { firstUs: first.atUs, lastUs: first.atUs },
  );
}

/** The assumptions about the clocks, as sentences. */
export function assumedOfMachines({ rate }: MachineClocks): string[] {
  return [
    `two clocks drift apart by at most ${percentText(rate)} (--clock-drift), and those of machines do not jump`,
    'the readings of a Redis node hide at most one step of its clock between two that they show',
  ];
}
