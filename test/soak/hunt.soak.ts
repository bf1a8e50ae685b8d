import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import type { Tried } from '../../src/hunt/search.ts';
import { BROKEN, type Broken, HIDDEN } from '../support/hunt/broken.ts';
import { type Hunted, huntBroken } from '../support/hunt/measure.ts';
import { type InReality, writePage } from '../support/hunt/page.ts';
import { canBeReal, type RealVerdict, runReal } from '../support/hunt/real.ts';

const SEEDS = Number(process.env.SEEDS ?? 20);
const MOST = Number(process.env.SCHEDULES ?? 200);
/** A finding of a later seed is not shrunk: it would take longer than finding it. */
const SHRUNK_SEEDS = 5;
/** A limiter of which so many seeds have found nothing is not hunted by more. */
const ENOUGH_SEEDS = 5;
/** Lines of JSON, one for each measurement; those that are there are not repeated. */
const ROWS = process.env.OPENCLAW_SOAK_ROWS ?? 'reports/hunt-soak.ndjson';
/** What else to do: `search` simulates, `real` runs what was found on real nodes. */
const PARTS = (process.env.PARTS ?? 'search,real').split(',');

/** The limiters, separated by commas; absent: all. */
const NAMES = process.env.NAMES?.split(',');
const CHOSEN = BROKEN.filter(({ name }) => NAMES === undefined || NAMES.includes(name));

const FOR_EVER = { timeout: 2 ** 31 - 1 };

type Row = Hunted | (InReality & { readonly real: true });

it('hunts broken limiters; docs/results/hunt.md says how many schedules each needs', FOR_EVER, async () => {
  const rows = readRows();
  const hunted = () => rows.filter((row): row is Hunted => !('real' in row));
  const write = () => {
    const real = rows.filter((row): row is InReality & { real: true } => 'real' in row);
    writePage(hunted(), real, MOST);
  };
  const keep = (row: Row) => {
    rows.push(row);
    appendFileSync(ROWS, `${JSON.stringify(row)}\n`);
    write();
  };
  write();
  const isKnown = (name: string, seed: number) =>
    hunted().some((row) => row.name === name && row.seed === seed);
  const isHopeless = (name: string) => {
    const own = hunted().filter((row) => row.name === name);
    return own.length >= ENOUGH_SEEDS && own.every(({ random, climb }) => (random ?? climb) === null);
  };
  for (let seed = 1; seed <= SEEDS && PARTS.includes('search'); seed++)
    for (const broken of CHOSEN.filter(({ name }) => !isKnown(name, seed) && !isHopeless(name)))
      keep(await huntBroken(broken, { seed, most: MOST, isShrunk: seed <= SHRUNK_SEEDS }));
  for (const broken of CHOSEN.filter(({ name }) => !rows.some((row) => 'real' in row && row.name === name))) {
    const shrunk = shrunkOf(broken, hunted());
    if (PARTS.includes('real') && shrunk.length > 0 && canBeReal(broken))
      keep({ real: true, name: broken.name, ...(await firstConvicted(broken, shrunk)) });
  }
  const found = new Set(
    hunted().flatMap(({ name, random, climb }) => ((random ?? climb) === null ? [] : [name])),
  );
  for (const name of HIDDEN) expect(found, name).not.toContain(name);
});

/** What is left of the findings of each seed. */
function shrunkOf({ name }: Broken, rows: readonly Hunted[]): Tried[] {
  return rows.flatMap((row) => (row.name === name && row.shrunk !== null ? [row.shrunk] : []));
}

/** Runs the findings on real nodes, one after the other, until one is convicted there; that, or the last. */
async function firstConvicted(broken: Broken, findings: readonly Tried[]): Promise<RealVerdict> {
  let runs = 0;
  let last: RealVerdict | undefined;
  for (const { schedule } of findings) {
    last = await runReal(broken, schedule);
    runs += last.runs;
    if (last.verdict === 'fail') break;
  }
  if (last === undefined) throw new RangeError(`${broken.name} has no finding`);
  return { ...last, runs };
}

function readRows(): Row[] {
  mkdirSync(dirname(ROWS), { recursive: true });
  if (!existsSync(ROWS)) return [];
  const lines = readFileSync(ROWS, 'utf8').trim().split('\n');
  return lines.filter((line) => line !== '').map((line): Row => JSON.parse(line));
}
