import type { Redis } from 'ioredis';
import { OpenclawError } from '../core/errors.ts';
import { connectDirect } from '../regions/form-cluster.ts';
import type { Regions } from '../regions/provider.ts';

/** Asks one node, past every Toxiproxy. Throws ENVIRONMENT_FAILED when it does not answer. */
export async function ask<T>(
  node: string,
  { direct }: Pick<Regions, 'direct'>,
  question: (client: Redis) => Promise<T>,
): Promise<T> {
  const client = connectDirect(direct(node));
  try {
    return await question(client);
  } catch (error) {
    if (error instanceof OpenclawError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new OpenclawError('ENVIRONMENT_FAILED', `${node} does not answer: ${why}`, {
      cause: error,
      hint: 'see which nodes run: openclaw-rl status',
    });
  } finally {
    client.disconnect();
  }
}
