import { expect, it } from 'vitest';
import { ScriptEngine } from '../../src/simulation/scripts/engine.ts';
import { startFrozenServer } from '../support/scripts/frozen-server.ts';
import { SCRIPTS, walkScript } from '../support/scripts/walk.ts';
import { SERVERS } from '../support/server.ts';
import { logSoak } from '../support/soak-log.ts';

const STEPS = 100_000;

it.each(SERVERS)('the simulation does the same as %s by every script', async (command) => {
  const rows: string[] = [];
  const server = await startFrozenServer(command);
  const engine = ScriptEngine.open();
  for (const script of SCRIPTS) {
    const { replies, errors, writes, expired } = await walkScript({
      server,
      engine,
      script,
      steps: STEPS,
      seed: 1,
    });
    expect(replies + errors).toBeGreaterThanOrEqual(STEPS);
    rows.push(`| ${script} | ${replies} | ${errors} | ${writes} | ${expired} | 0 |`);
    log(command, rows);
  }
  await server.stop();
});

function log(command: string, rows: readonly string[]): void {
  logSoak(`scripts in a simulation against ${command}, ${STEPS.toLocaleString('en')} calls of each`, [
    'After every call of a random walk: the reply or error, the stored bytes and their expiry.',
    '',
    '| script | replies | errors | calls that wrote | keys over in the walk | differences |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]);
}
