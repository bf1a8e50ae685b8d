import type { Redis } from 'ioredis';
import { environmentFailed, OpenclawError } from '../../core/errors.ts';
import { connectDirect } from '../../regions/cluster/connect-direct.ts';
import type { Regions } from '../../regions/provider.ts';

/** Queries one node directly, without a Toxiproxy. Throws ENVIRONMENT_FAILED if it does not answer. */
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
    throw environmentFailed(
      `${node} does not answer: ${why}`,
      'another fault may hold it, or it may have ended: see its log',
      error,
    );
  } finally {
    client.disconnect();
  }
}
