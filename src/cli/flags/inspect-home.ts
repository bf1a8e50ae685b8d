import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { readHomes } from '../../limiter/homes/homes.ts';
import type { HomesTable } from '../../limiter/homes/table.ts';
import { type Inspection, primaryCopy } from '../../limiter/inspect/inspect.ts';
import type { Home, Subject } from '../../limiter/limiter.ts';
import { withRegions } from '../../rating/homes.ts';
import type { InspectedHome } from '../output/inspect-table.ts';

interface HomeFlags {
  /** The homes table of the limiter; absent: it has no homes. */
  readonly table: HomesTable | undefined;
  /** As typed. */
  readonly home: string | undefined;
  readonly prefix: string;
}

/** The home of a user: as typed, else by the rule of the sample service. Throws INVALID_OPTION. */
export function findHome(subject: Subject, { table, home, prefix }: HomeFlags): Home | undefined {
  if (table === undefined) {
    if (home === undefined) return undefined;
    throw invalidOption('--home needs a homes table', 'give --homes homes.json; openclaw-rl homes writes it');
  }
  if (home !== undefined && !Object.hasOwn(table.regions, home))
    throw invalidOption(
      `--home must be a region of the homes table; found ${quoted(home)}`,
      `give one of ${Object.keys(table.regions).join(', ')}`,
    );
  const homes = home === undefined ? withRegions(table) : { ...table, regionOf: () => home };
  return readHomes(homes, prefix).homeOf(subject);
}

/** The home as shown, and whether one of its nodes has the bucket now; a mark of a move is no bucket. */
export function lookAtHome(
  home: Home | undefined,
  { primary, copies }: Pick<Inspection, 'primary' | 'copies'>,
): InspectedHome {
  if (home === undefined) return { region: 'none' };
  const { region, nodes } = home;
  if (primary === undefined || (nodes.length === 0 && primary.region === undefined)) return { region };
  if (primaryCopy({ primary, copies })?.stored?.type === 'mark') return { region, isThere: false };
  return { region, isThere: nodes.length > 0 ? nodes.includes(primary.address) : primary.region === region };
}
