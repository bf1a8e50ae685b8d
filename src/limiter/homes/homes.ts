import { invalidOption } from '../../core/errors.ts';
import { checkKnown, checkTypes, type Known } from '../../core/known-options.ts';
import { quoted } from '../../core/printable.ts';
import type { Home, Subject } from '../limiter.ts';
import { answerOf } from '../options/answer-of.ts';
import { bucketKey, bucketName } from '../options/key.ts';
import { isCluster, type RedisConnection } from '../redis/connection.ts';
import type { RedisSource } from '../redis/port.ts';
import type { Away } from './away.ts';
import { slotIn } from './slot.ts';
import { type HomeRegion, type HomesTable, readHomesTable } from './table.ts';
import { tagOf } from './tags.ts';

/** A homes table, and the rule that gives a subject its home. */
export interface HomesOptions extends HomesTable {
  /**
   * The home of a subject, a region of the table; undefined for none. It is called synchronously for every call and must
   * answer the same in every process: two answers are two buckets. Another answer starts a full bucket.
   */
  readonly regionOf: (subject: Subject) => string | undefined;
  /**
   * Called for each take and each reservation that a node outside the home of its bucket decided, for example after a
   * failover; of `tryTake` too. Default: one warning for each limiter, code OPENCLAW_HOMES.
   */
  readonly onAway?: (away: Away) => void;
}

/** Where the buckets of a limiter with homes are. */
export interface Homes {
  /** Throws INVALID_SUBJECT; INVALID_OPTION if `regionOf` names no region of the table, throws, or is async. */
  homeOf(subject: Subject): Home | undefined;
  /** The key of the subject's bucket in a region of the table; undefined: without a home. Throws as `homeOf`. */
  keyIn(subject: Subject, region: string | undefined): string;
}

/** Throws INVALID_OPTION for homes without a cluster, whose slots they choose. */
export function checkHomesCluster({
  homes,
  redis,
}: {
  readonly homes?: HomesOptions;
  readonly redis: RedisConnection | RedisSource;
}): void {
  if (homes === undefined || isCluster(redis)) return;
  throw invalidOption(
    'option homes requires a cluster',
    'set cluster: true or pass a client of a cluster, or remove homes',
  );
}

const KNOWN: Known<HomesOptions> = {
  format: true,
  version: true,
  regions: true,
  regionOf: true,
  onAway: true,
};

/** Reads the option. Throws INVALID_OPTION. */
export function readHomes(options: HomesOptions, prefix: string): Homes {
  const hint = 'use homes: { ...table, regionOf }, with the table that openclaw-rl homes printed';
  checkKnown(options, { of: 'homes', known: KNOWN, hint });
  const { regionOf, onAway: _, ...table } = options;
  checkTypes(options, { of: 'homes', types: { regionOf: 'function', onAway: 'function' } });
  if (regionOf === undefined) throw invalidOption('homes requires the function regionOf', hint);
  const regions = readHomesTable(table);

  function homeIn(name: string, region: HomeRegion): Home {
    const slot = slotIn(region, name);
    return { region: region.name, slot, key: `${prefix}:{${tagOf(slot)}}:${name}`, nodes: region.nodes };
  }

  function regionNamed(region: string): HomeRegion {
    const found = regions.get(region);
    if (found !== undefined) return found;
    throw invalidOption(
      `the home of a subject must be one of ${[...regions.keys()].join(', ')}, or undefined; found ${quoted(region)}`,
      'correct regionOf, or write the homes table again',
    );
  }

  return {
    homeOf(subject) {
      const name = bucketName(subject); // an invalid subject never reaches regionOf
      const region = answerOf('homes.regionOf', regionOf, subject);
      return region === undefined ? undefined : homeIn(name, regionNamed(region));
    },
    keyIn(subject, region) {
      if (region === undefined) return bucketKey(prefix, subject);
      return homeIn(bucketName(subject), regionNamed(region)).key;
    },
  };
}
