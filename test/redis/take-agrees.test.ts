import { afterAll, describe, expect, it } from 'vitest';
import { SERVERS } from '../support/server.ts';
import { type SteppableServer, startSteppableServer } from '../support/steppable-server.ts';
import { walkTake } from '../support/take-walk.ts';
import { walkSeveral } from '../support/walk-several.ts';

/*
 * The scripts that take, on a real server against src/core, to the last quantum. The server's clock is stepped by the
 * preloaded override, not by an injected argument: so the script under test is the one that ships, and key
 * expiry, which runs on the same clock, is tested with it.
 */
const STEPS = 100_000;

describe.each(SERVERS)('take on %s', (command) => {
  let server: SteppableServer | undefined;
  afterAll(() => server?.stop());

  it(`agrees with the token math in ${STEPS} steps under clocks that jump both ways`, {
    timeout: 180_000,
  }, async () => {
    server = await startSteppableServer(command);
    const seen = await walkTake({ server, steps: STEPS, seed: 20_261_125 });
    expect(seen.allowed + seen.denied).toBe(STEPS);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(STEPS / 100); // each kind was met often
  });

  it('agrees with it for several policies in one decision, refunds and peeks', {
    timeout: 180_000,
  }, async () => {
    server ??= await startSteppableServer(command);
    const seen = await walkSeveral({ server, steps: STEPS / 5, seed: 20_261_125 });
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(STEPS / 500);
  });
});
