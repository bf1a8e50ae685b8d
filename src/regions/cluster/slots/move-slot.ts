import { setTimeout as sleep } from 'node:timers/promises';
import { environmentFailed } from '../../../core/errors.ts';
import type { Primary } from './primaries.ts';

/** Few enough that a server which moves them answers others soon. */
const KEYS_AT_ONCE = 10;
const MIGRATE_MS = 5_000;

interface Ends {
  readonly from: Primary;
  readonly to: Primary;
}

/**
 * Moves a slot with its keys. Takes of one key are decided meanwhile: by the old primary as long as it has the key, then by
 * the new one, which the old one names (ASK). Commands of several keys are answered TRYAGAIN while only some have moved.
 * If it fails, the slot is open, and the same move again goes on: a key that both have is that of the old one.
 */
export async function moveSlot(slot: number, { from, to }: Ends): Promise<void> {
  await to.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
  await from.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
  for (let keys = await keysIn(slot, from); keys.length > 0; keys = await keysIn(slot, from))
    await migrate(keys, from, to);
  // The new owner first: if this stops in between, the old one still names it.
  await to.client.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
  await from.client.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
}

async function keysIn(slot: number, { client }: Primary): Promise<Buffer[]> {
  return (await client.callBuffer('CLUSTER', 'GETKEYSINSLOT', slot, KEYS_AT_ONCE)) as Buffer[];
}

/** The server is busy with it until the keys have arrived, so it gets as long again for others. */
async function migrate(keys: readonly Buffer[], from: Primary, to: Primary): Promise<void> {
  const [host = '', port = ''] = addressOf(to, from).split(':');
  const startedMs = performance.now();
  await from.client.call('MIGRATE', host, port, '', 0, MIGRATE_MS, 'REPLACE', 'KEYS', ...keys);
  await sleep(performance.now() - startedMs);
}

/** As `by` reaches it. */
function addressOf({ id, name }: Primary, by: Primary): string {
  const address = by.view.find((node) => node.id === id)?.address.split('@')[0];
  if (address !== undefined) return address;
  throw environmentFailed(`${by.name} does not know ${name}`, 'wait until it does: openclaw-rl status');
}
