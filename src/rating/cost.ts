import { HEADERS } from '../core/header-names.ts';
import { quoted } from '../core/printable.ts';
import type { Cost, NamedPolicy } from '../limiter/limiter.ts';
import { RequestError } from './request-error.ts';

/**
 * Reads the header of costs: `3` for every policy, or of several policies `requests=1, tokens=50`, where a missing one costs
 * 1. Throws RequestError.
 */
export function readCost(header: unknown = '1', policies: readonly NamedPolicy[]): Cost {
  const cost = typeof header === 'string' ? parseCost(header, policies) : undefined;
  if (cost !== undefined) return cost;
  throw new RequestError(`${HEADERS.cost} must be ${expected(policies)}; found ${quoted(header)}`);
}

function parseCost(text: string, policies: readonly NamedPolicy[]): Cost | undefined {
  if (policies.length === 1 || !text.includes('=')) return parseTokens(text, mostOf(policies));
  const costs = new Map<string, number>();
  for (const part of text.split(',')) {
    const [, name = '', tokens = ''] = /^[ \t]*([\w.-]+)=(\d+)[ \t]*$/.exec(part) ?? [];
    const named = policies.find((policy) => policy.name === name);
    const cost = named && parseTokens(tokens, named.policy.capacityTokens);
    if (cost === undefined || costs.has(name)) return undefined;
    costs.set(name, cost);
  }
  return Object.fromEntries(costs);
}

function parseTokens(text: string, most: number): number | undefined {
  return /^[1-9]\d*$/.test(text) && Number(text) <= most ? Number(text) : undefined;
}

/** The most tokens that each of these can ever hold. */
function mostOf(policies: readonly NamedPolicy[]): number {
  return policies.reduce(
    (least, { policy }) => Math.min(least, policy.capacityTokens),
    Number.POSITIVE_INFINITY,
  );
}

function expected(policies: readonly NamedPolicy[]): string {
  const number = `a whole number from 1 to ${mostOf(policies)}`;
  const [first, second] = policies;
  if (first === undefined || second === undefined) return number;
  const ranges = policies.map(({ name, policy }) => `${name} 1 to ${policy.capacityTokens}`).join(', ');
  return `${number} for every policy, or one by name like ${first.name}=1, each once (${ranges})`;
}
