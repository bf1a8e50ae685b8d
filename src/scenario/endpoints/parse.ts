import { invalidOption } from '../../core/errors.ts';
import type { EndpointNode, Endpoints } from '../../topology/endpoints.ts';
import { checkRegions } from '../../topology/regions.ts';
import { placeProblem, readDocument } from '../document.ts';
import { expectedFound, type Problem, problemsOf } from '../problems.ts';
import { endpointsSchema, type WrittenAddress, type WrittenEndpoints } from './schema.ts';

/**
 * Reads an endpoints file, YAML or JSON. Throws INVALID_OPTION with every problem, each as
 * `file:line:column path: what was expected and what was found`; no password of the file is shown.
 */
export function parseEndpoints(text: string, file: string): Endpoints {
  const document = readDocument(text, { what: 'an endpoints file' });
  const read = document.problems.length === 0 ? endpointsSchema.safeParse(document.value) : undefined;
  const problems =
    read === undefined
      ? []
      : read.success
        ? checkTogether(read.data)
        : problemsOf(read.error, document.value);
  const placed = [...document.problems, ...problems.map((problem) => placeProblem(problem, document))];
  if (read?.success && placed.length === 0) return endpointsOf(read.data);
  const lines = placed
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, text: what }) => `${file}:${line}:${column} ${what}`);
  throw invalidOption(
    lines.length === 1 ? lines.join() : [`${lines.length} problems`, ...lines].join('\n  '),
    'see docs/reference/endpoints-file.md',
  );
}

function endpointsOf(written: WrittenEndpoints): Endpoints {
  const { kind, regions, nodes = [], services = {}, tls, username, sentinel } = written;
  const addresses = addressesOf(written);
  const bare = ({ host, port }: WrittenAddress) => ({ host, port });
  return {
    ...{ kind, regions: checkRegions(regions), services },
    nodes: nodes.map((node): EndpointNode => ({ ...node, address: bare(node.address) })),
    ...(addresses.some(({ isTls }) => isTls) && { tls: tlsOf(tls) }),
    ...(username !== undefined && { username }),
    ...(sentinel && {
      sentinel: { primary: sentinel.primary, addresses: sentinel.addresses.map(bare) },
    }),
    toxiproxy: written.toxiproxy ?? {},
    roundTripMs: written.roundTripMs ?? {},
  };
}

function tlsOf({ ca, serverName, insecure }: NonNullable<WrittenEndpoints['tls']> = {}) {
  return {
    ...(ca !== undefined && { ca }),
    ...(serverName !== undefined && { serverName }),
    ...(insecure && { insecure }),
  };
}

function addressesOf({ nodes = [], sentinel }: WrittenEndpoints): WrittenAddress[] {
  return [...nodes.map(({ address }) => address), ...(sentinel?.addresses ?? [])];
}

function checkTogether(written: WrittenEndpoints): Problem[] {
  return [...checkNames(written), ...checkRegionNames(written), ...checkKind(written), ...checkTls(written)];
}

function checkNames({ regions, nodes = [] }: WrittenEndpoints): Problem[] {
  const names = nodes.map(({ name }) => name);
  const addresses = nodes.map(({ address: { host, port } }) => `${host}:${port}`);
  return [
    ...repeated(regions).map((index) => ({ path: ['regions', index], text: 'this region is there twice' })),
    ...repeated(names).map((index) => ({ path: ['nodes', index, 'name'], text: 'this name is there twice' })),
    ...repeated(addresses).map((index) => ({
      path: ['nodes', index, 'address'],
      text: 'this address is there twice; a region without nodes uses those of all',
    })),
    ...(regions.length > 9 ? [{ path: ['regions'], text: 'expected one to nine regions' }] : []),
  ];
}

function repeated(items: readonly string[]): number[] {
  return items.flatMap((item, index) => (items.indexOf(item) < index ? [index] : []));
}

function checkRegionNames(written: WrittenEndpoints): Problem[] {
  const { regions, nodes = [], services = {}, toxiproxy, roundTripMs } = written;
  const expected = `one of the regions ${regions.join(', ')}`;
  const check = (found: string, path: PropertyKey[], isKey = false): Problem[] =>
    regions.includes(found)
      ? []
      : [{ path, isKey, text: expectedFound({ expected, found, names: regions }) }];
  return [
    ...nodes.flatMap(({ region }, index) => check(region, ['nodes', index, 'region'])),
    ...Object.keys(services).flatMap((region) => check(region, ['services', region], true)),
    ...Object.keys(toxiproxy ?? {}).flatMap((region) => check(region, ['toxiproxy', region], true)),
    ...Object.keys(roundTripMs ?? {}).flatMap((pair) =>
      pair.split(':').flatMap((region) => check(region, ['roundTripMs', pair], true)),
    ),
  ];
}

function checkKind({ kind, regions, nodes, services, sentinel }: WrittenEndpoints): Problem[] {
  if ((nodes === undefined) === (services === undefined))
    return [{ path: [], text: 'expected either nodes (of Redis) or services (over HTTP)' }];
  if (services !== undefined) {
    const without = regions.find((region) => !(region in services));
    return without === undefined ? [] : [{ path: ['services'], text: `expected a URL for ${without}` }];
  }
  if ((kind === 'sentinel') !== (sentinel !== undefined))
    return [
      kind === 'sentinel'
        ? { path: ['kind'], text: 'kind sentinel needs sentinel: { primary, addresses }' }
        : { path: ['sentinel'], isKey: true, text: 'only kind sentinel has this' },
    ];
  if (kind !== 'single' || nodes === undefined || nodes.length === 1) return [];
  const placed = nodes.map(({ region }) => region);
  const without = regions.find((region) => !placed.includes(region));
  return [
    ...repeated(placed).map((index) => ({
      path: ['nodes', index],
      text: 'of kind single a region has one server; list replicas under kind sentinel',
    })),
    ...(without === undefined
      ? []
      : [
          {
            path: ['nodes'],
            text: `of kind single there is one server, or one in each region; found none in ${without}`,
          },
        ]),
  ];
}

function checkTls(written: WrittenEndpoints): Problem[] {
  const addresses = addressesOf(written);
  const count = addresses.filter(({ isTls }) => isTls).length;
  if (count === 0 && written.tls !== undefined)
    return [{ path: ['tls'], isKey: true, text: 'tls needs addresses that start with rediss://' }];
  if (count === 0 || count === addresses.length) return [];
  return [{ path: ['nodes'], text: 'expected rediss:// for all addresses or for none' }];
}
