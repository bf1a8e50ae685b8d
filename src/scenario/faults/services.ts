import { LIMITS } from '../defaults.ts';

/** The Rating services of a region, or one of them, in words; as many as a region may have. */
export function servicesOf(region: string, instance?: number): string[] {
  const [, most] = LIMITS.instances;
  const numbers = instance === undefined ? Array.from({ length: most }, (_, at) => at + 1) : [instance];
  return numbers.map((number) => `service ${number} of ${region}`);
}
