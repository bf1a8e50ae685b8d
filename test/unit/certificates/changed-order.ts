import type { Random } from '../../../src/core/prng.ts';

/** The order of a proof: the code and the moment of each step, in full. */
export interface Step {
  readonly code: number;
  readonly atUs: number;
}

interface Listed {
  readonly order: readonly number[];
  readonly momentsUs: readonly number[];
}

export function stepsOf({ order, momentsUs }: Listed): Step[] {
  let [code, atUs] = [0, 0];
  return order.map((difference, at) => {
    code += difference;
    atUs += momentsUs[at] as number;
    return { code, atUs };
  });
}

/** What `stepsOf` reads. */
export function listed(steps: readonly Step[]): Listed {
  return {
    order: steps.map(({ code }, at) => code - (steps[at - 1]?.code ?? 0)),
    momentsUs: steps.map(({ atUs }, at) => atUs - (steps[at - 1]?.atUs ?? 0)),
  };
}

/** A proof of which one step is changed. */
export function changeOrder<P extends Listed>(proof: P, random: Random): P {
  const below = (count: number) => Math.floor(random() * count);
  const steps = stepsOf(proof);
  const [at, other] = [below(steps.length), below(steps.length)];
  const [one, second] = [steps[at] as Step, steps[other] as Step];
  const us = (1 + below(2) * below(3_000_000)) * (random() < 0.5 ? -1 : 1);
  const moved = { ...one, atUs: one.atUs + us };
  const changes = [
    () => steps.with(at, { ...one, code: second.code }).with(other, { ...second, code: one.code }),
    () => steps.with(at, moved),
    () => steps.map(({ code, atUs }) => ({ code, atUs: atUs + us })),
    () => steps.toSpliced(at, 1),
    () => steps.toSpliced(at, 0, second),
    () => steps.with(at, { ...one, code: one.code + 2 * (below(3) - 1) }),
    () => [...steps.toSpliced(at, 1), moved].sort((a, b) => a.atUs - b.atUs),
  ];
  return { ...proof, ...listed((changes[below(changes.length)] as () => Step[])()) };
}
