import { afterAll, describe, expect, it } from 'vitest';
import { ScriptEngine } from '../../src/simulation/scripts/engine.ts';
import { type FrozenServer, startFrozenServer } from '../support/scripts/frozen-server.ts';
import { compareTrims } from '../support/scripts/trims.ts';
import { SCRIPTS, walkScript } from '../support/scripts/walk.ts';
import { SERVERS } from '../support/server.ts';

/*
 * The scripts of a simulation run in Lua itself, but their commands, `struct` and expiry are this project's. So each is
 * compared with a real server whose clock stands still, after every call: its reply or error, the bytes that it stored, and
 * when they expire.
 */
const STEPS = 2_000;

describe.each(SERVERS)('the simulation and %s', { timeout: 120_000 }, (command) => {
  let server: FrozenServer | undefined;
  afterAll(() => server?.stop());

  it.each(SCRIPTS)('do the same by %s', async (script) => {
    server ??= await startFrozenServer(command);
    const engine = ScriptEngine.open();
    const { replies, errors } = await walkScript({ server, engine, script, steps: STEPS, seed: 30 });
    expect(replies + errors).toBeGreaterThanOrEqual(STEPS);
    expect(replies).toBeGreaterThan(STEPS / 2);
  });

  it('trim streams to the same entries', async () => {
    server ??= await startFrozenServer(command);
    await compareTrims({ server, engine: ScriptEngine.open(), entries: 3_000, seed: 30 });
  });
});
