import type { HomesOptions } from '../limiter/homes/homes.ts';
import type { HomesTable } from '../limiter/homes/table.ts';

/** The homes of the sample Rating service: that of a user is the region before the first dot of its name, if the table has it. */
export function withRegions(table: HomesTable): HomesOptions {
  return {
    ...table,
    regionOf({ user }) {
      const region = user.slice(0, Math.max(0, user.indexOf('.')));
      return Object.hasOwn(table.regions, region) ? region : undefined;
    },
  };
}
