import { STRATEGY_NAMES, type StrategyName, traitsOf } from '../../core/strategies.ts';
import { isInCluster } from '../../topology/topology.ts';
import type { Check } from '../doctor-check.ts';
import type { Regions } from '../provider.ts';
import type { NodeLook, SentinelLook } from './look.ts';

/** The first Redis whose scripts may begin with `#!lua`, as ours do. */
const LEAST_VERSION = 7;

export interface DiagnoseOptions {
  /** Servers may evict keys. */
  readonly allowsEviction?: boolean;
}

/** What Sentinels lack for a run. */
export function diagnoseSentinels(sentinels: readonly SentinelLook[], looks: readonly NodeLook[]): Check[] {
  if (sentinels.length === 0) return [];
  const name = 'Sentinels';
  const primary = sentinels.find((one) => one.primary !== undefined)?.primary;
  const silent = sentinels.filter(({ trouble }) => trouble !== undefined);
  if (silent.length === sentinels.length)
    return [
      {
        ...{ name, mark: 'missing', found: `none answers: ${silent[0]?.trouble}` },
        mend: 'check their addresses, and set SENTINEL_PASSWORD if they ask for one',
      },
    ];
  if (primary === undefined)
    return [
      { name, mark: 'missing', found: 'they know no primary of this name', mend: 'see sentinel.primary' },
    ];
  const named = looks.find(({ announced, aliases = [] }) => [announced, ...aliases].includes(primary));
  if (named === undefined)
    return [
      {
        ...{ name, mark: 'missing', found: `their primary is ${primary}, which is not in the file` },
        mend: 'add it to nodes, by the address that they tell',
      },
    ];
  const found = `${sentinels.length - silent.length} of ${sentinels.length} answer; the primary is ${named.name}`;
  return [{ name, mark: silent.length === 0 ? 'ok' : 'note', found }];
}

/** What external nodes lack for a run; a check of mark `missing` prevents it. */
export function diagnoseExternal(
  regions: Pick<Regions, 'topology' | 'links'>,
  looks: readonly NodeLook[],
  { allowsEviction = false }: DiagnoseOptions = {},
): Check[] {
  const answering = looks.filter(({ trouble }) => trouble === undefined);
  return [
    ...looks.map(checkNode),
    ...(answering.length === 0
      ? []
      : [
          checkMode(regions, answering),
          ...checkListed(looks),
          ...checkReplica(regions, answering),
          ...checkRefused(answering),
          checkEviction(answering, allowsEviction),
          checkPersistence(answering),
          checkStrategies(regions, looks),
          checkFaults(regions),
        ]),
  ];
}

function checkNode(look: NodeLook): Check {
  const { name, region, trouble, server = '', role, roundTripMs = 0, announced, isBeyondReach } = look;
  if (trouble?.kind === 'locked')
    return {
      ...{
        name,
        mark: 'missing',
        found: `asks for a password, or refuses the one given: ${trouble.message}`,
      },
      mend: 'set REDIS_PASSWORD, and REDIS_USERNAME for a user other than default',
    };
  if (trouble !== undefined)
    return {
      ...{ name, mark: 'missing', found: `does not answer: ${trouble.message}` },
      mend: 'check its address in the file, that it runs, and whether it uses TLS (rediss://)',
    };
  if (announced.startsWith(':') && isBeyondReach)
    return {
      ...{ name, mark: 'missing', found: 'knows no other node, and not its own address' },
      mend: 'make one cluster of fresh nodes: openclaw-rl form <endpoints file>; for a cluster of one set cluster-announce-ip',
    };
  if (isBeyondReach)
    return {
      ...{ name, mark: 'missing', found: `announces ${announced}, which this machine does not reach` },
      mend: 'cluster clients go there: set cluster-announce-ip and -port, or run where it is reached',
    };
  const found = `${server}, ${role} in ${region}, round trip ${roundTripMs.toFixed(1)} ms`;
  if (Number(/\d+/.exec(server)?.[0] ?? 0) >= LEAST_VERSION) return { name, mark: 'ok', found };
  return { name, mark: 'missing', found, mend: `the scripts need version ${LEAST_VERSION}` };
}

function checkMode({ topology }: Pick<Regions, 'topology'>, looks: readonly NodeLook[]): Check {
  const name = 'cluster mode';
  const wanted = isInCluster(topology);
  const wrong = looks.filter(({ isCluster }) => isCluster !== wanted).map((look) => look.name);
  if (wrong.length === 0) return { name, mark: 'ok', found: wanted ? 'on' : 'off' };
  return {
    ...{ name, mark: 'missing', found: `${wanted ? 'off' : 'on'}: ${wrong.join(', ')}` },
    mend: wanted ? 'write kind: single or kind: sentinel into the file' : 'write kind: cluster into the file',
  };
}

/** Every node of a cluster can become the primary of a bucket, so its clock must be read. */
function checkListed(looks: readonly NodeLook[]): Check[] {
  const listed = new Set(looks.map(({ announced }) => announced));
  const known = looks.flatMap(({ cluster = [] }) =>
    cluster.filter(({ problems }) => problems.length === 0).map(({ address }) => address.split('@')[0] ?? ''),
  );
  const missing = [...new Set(known)].filter((address) => !listed.has(address));
  if (missing.length === 0) return [];
  const [first = ''] = missing;
  return [
    {
      name: 'nodes',
      mark: 'missing',
      found: `the cluster has nodes that are not in the file: ${missing.join(', ')}`,
      mend: `add each, with its region: - { name: ..., region: ..., address: '${first}' }`,
    },
  ];
}

/** A client of kind single writes to the node that its file names. */
function checkReplica({ topology }: Pick<Regions, 'topology'>, looks: readonly NodeLook[]): Check[] {
  if (topology.kind !== 'single') return [];
  const replicas = looks.filter(({ role }) => role === 'replica').map(({ name }) => name);
  if (replicas.length === 0) return [];
  return [
    {
      name: 'primary',
      mark: 'missing',
      found: `is a replica, which refuses writes: ${replicas.join(', ')}`,
      mend: 'name the primary, or write kind: sentinel with the addresses of its Sentinels',
    },
  ];
}

function checkRefused(looks: readonly NodeLook[]): Check[] {
  const of = (what: keyof NonNullable<NodeLook['refused']>) =>
    looks.flatMap(({ name, refused }) =>
      refused?.[what] === undefined ? [] : [`${name}: ${refused[what]}`],
    );
  const check = (name: string, found: readonly string[], mark: Check['mark'], mend: string): Check =>
    found.length === 0
      ? { name, mark: 'ok', found: 'allowed' }
      : { name, mark, found: found.join('; '), mend };
  return [
    check('scripts', of('script'), 'missing', 'allow the user EVAL and EVALSHA: ACL SETUSER ... +@scripting'),
    check('clock', of('clock'), 'missing', 'allow the user TIME, by which the verdict bounds clocks'),
    check('keys', of('keys'), 'missing', 'allow the user EXISTS and UNLINK, by which a run deletes its keys'),
    check('WAIT', of('wait'), 'note', 'strategies acked and lease need it'),
  ];
}

function checkEviction(looks: readonly NodeLook[], isAllowed: boolean): Check {
  const evicting = looks.filter(({ eviction = 'noeviction' }) => eviction !== 'noeviction');
  if (evicting.length === 0) return { name: 'eviction', mark: 'ok', found: 'no key is evicted' };
  return {
    name: 'eviction',
    mark: isAllowed ? 'note' : 'missing',
    found: `${evicting.map(({ name, eviction }) => `${name}: ${eviction}`).join(', ')}; an evicted bucket is full again`,
    mend: 'set maxmemory-policy noeviction, or run with --allow-eviction and take the excess as it comes',
  };
}

function checkPersistence(looks: readonly NodeLook[]): Check {
  const without = looks.filter(({ persistence }) => persistence === 'none seen').map(({ name }) => name);
  if (without.length === 0) return { name: 'persistence', mark: 'ok', found: 'on' };
  return {
    ...{ name: 'persistence', mark: 'note', found: `none seen: ${without.join(', ')}` },
    mend: 'a restarted node without a replica forgets its buckets',
  };
}

function checkStrategies(regions: Pick<Regions, 'topology'>, looks: readonly NodeLook[]): Check {
  const lacks = STRATEGY_NAMES.map((name) => ({ name, lack: lackForStrategy(name, regions, looks) }));
  const possible = lacks.filter(({ lack }) => lack === undefined).map(({ name }) => name);
  const reasons = new Map(lacks.flatMap(({ lack }) => (lack === undefined ? [] : [[lack, lack]])));
  const without = [...reasons.keys()].map(
    (lack) => `${lacks.flatMap((one) => (one.lack === lack ? [one.name] : [])).join(', ')}: ${lack}`,
  );
  return {
    ...{ name: 'strategies', mark: 'ok', found: possible.join(', ') },
    ...(without.length > 0 && { mend: `not ${without.join('; ')}` }),
  };
}

/** Why a strategy cannot run on these nodes. */
export function lackForStrategy(
  strategy: StrategyName,
  { topology }: Pick<Regions, 'topology'>,
  looks: readonly NodeLook[],
): string | undefined {
  const { perRegionBucket, readsReplicas, waitsForReplicas } = traitsOf(strategy);
  if (perRegionBucket) return 'keeps keys that never expire';
  if (readsReplicas && !isInCluster(topology)) return 'needs a Redis Cluster';
  if (!waitsForReplicas) return undefined;
  if (areApart({ topology }, looks)) return 'needs one Redis for all regions';
  if (replicasOf(looks) === 0) return 'needs a replica of each primary';
  return looks.some(({ refused }) => refused?.wait !== undefined) ? 'needs WAIT' : undefined;
}

/** Whether the nodes are several systems: servers of kind single, or clusters that do not know each other. */
export function areApart({ topology }: Pick<Regions, 'topology'>, looks: readonly NodeLook[]): boolean {
  if (topology.kind === 'sentinel') return false;
  if (topology.kind === 'single') return looks.length > 1;
  const [first] = looks.filter(({ trouble }) => trouble === undefined);
  const known = new Set(first?.cluster?.map(({ address }) => address.split('@')[0]));
  return looks.some(({ trouble, announced }) => trouble === undefined && !known.has(announced));
}

/** The fewest replicas that a primary has. */
export function replicasOf(looks: readonly NodeLook[]): number {
  const counts = looks.flatMap(({ role, replicas = 0 }) => (role === 'primary' ? [replicas] : []));
  return counts.length === 0 ? 0 : Math.min(...counts);
}

function checkFaults({ links }: Pick<Regions, 'links'>): Check {
  const ofLinks = ['partition', 'latency', 'bandwidth', 'drop-reply', 'flap'];
  const always = ['command', 'gateway-clock'];
  if (links.pairs.length > 0)
    return { name: 'faults', mark: 'ok', found: [...always, ...ofLinks].join(', ') };
  return {
    ...{ name: 'faults', mark: 'ok', found: always.join(', ') },
    mend: `not ${ofLinks.join(', ')}: no link between two regions has a Toxiproxy`,
  };
}
