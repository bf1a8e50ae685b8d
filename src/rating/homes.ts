import { invalidOption } from '../core/errors.ts';
import type { HomesOptions } from '../limiter/homes/homes.ts';
import type { HomesTable } from '../limiter/homes/table.ts';

/**
 * The homes of the sample Rating service: that of a user is the region before the first dot of its name, if the table has
 * it. Throws INVALID_OPTION for a region whose name has a dot: no user would have it as its home.
 */
export function withRegions(table: HomesTable): HomesOptions {
  const dotted = Object.keys(table.regions).find((region) => region.includes('.'));
  if (dotted !== undefined)
    throw invalidOption(
      `--homes: region ${dotted} has a dot in its name, and a user's home is the region before the first dot of the user's name`,
      `name the region without a dot in the table, for example ${dotted.replaceAll('.', '-')}; inspect takes it by --home`,
    );
  return {
    ...table,
    regionOf({ user }) {
      const region = user.slice(0, Math.max(0, user.indexOf('.')));
      return Object.hasOwn(table.regions, region) ? region : undefined;
    },
  };
}
