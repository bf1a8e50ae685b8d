import { sortedJson } from '../core/sorted-json.ts';
import type { Plan } from '../scenario/plan.ts';

/** The parts of a plan that must be equal. The limiter may differ: it is what two runs are compared for. */
const PARTS = ['policy', 'topology', 'load', 'faults', 'instances', 'homes'] as const;

/** How the first plan differs from the second in what the limiter was put through: `load.connections 60 instead of 120`. */
export function differencesOf(plan: Plan, other: Plan): string[] {
  return PARTS.flatMap((part) => differences(part, plan[part], other[part]));
}

function differences(name: string, one: unknown, other: unknown): string[] {
  if (!isRecord(one) || !isRecord(other)) {
    const [found, expected] = [one, other].map((value) => sortedJson(value) ?? 'none');
    return found === expected ? [] : [`${name} ${found} instead of ${expected}`];
  }
  const keys = [...new Set([...Object.keys(other), ...Object.keys(one)])];
  return keys.flatMap((key) => differences(`${name}.${key}`, one[key], other[key]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
