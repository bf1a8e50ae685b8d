import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BROKEN } from '../support/hunt/broken.ts';
import { type Hunted, huntBroken } from '../support/hunt/measure.ts';
import { type InReality, writePage } from '../support/hunt/page.ts';
import { canBeReal, runReal } from '../support/hunt/real.ts';

const SEEDS = Number(process.env.SEEDS ?? 5);
const MOST = Number(process.env.SCHEDULES ?? 500);
/** Lines of JSON that an earlier soak has measured: `OPENCLAW_SOAK_ROWS=rows.ndjson`. */
const ROWS = process.env.OPENCLAW_SOAK_ROWS;

/** No plan has a fault that shows these as excess; docs/results/hunt.md says why. */
const HIDDEN = ['repeatedByTheSameNumber', 'takenBackAfterMargin'];

it('hunts broken limiters; docs/results/hunt.md says how many schedules each needs', async () => {
  const known = readRows();
  const rows: Hunted[] = [];
  const real: InReality[] = [];
  for (const broken of BROKEN) {
    const { name } = broken;
    for (let seed = 1; seed <= SEEDS; seed++)
      rows.push(
        known.find((row) => row.name === name && row.seed === seed) ??
          (await huntBroken(broken, { seed, most: MOST })),
      );
    const shrunk = rows.find((row) => row.name === name && row.shrunk !== null)?.shrunk;
    if (shrunk && canBeReal(broken)) real.push({ name, ...(await runReal(broken, shrunk.schedule)) });
    writePage(rows, real, { seeds: SEEDS, most: MOST });
  }
  const found = new Set(rows.filter(({ climb }) => climb !== null).map(({ name }) => name));
  for (const name of HIDDEN) expect(found, name).not.toContain(name);
});

function readRows(): Hunted[] {
  if (ROWS === undefined || !existsSync(ROWS)) return [];
  const lines = readFileSync(ROWS, 'utf8').trim().split('\n');
  return lines.map((line): Hunted => JSON.parse(line));
}
