import { OpenclawError, quoted } from '../core/errors.ts';
import { ToxiproxyClient } from '../toxiproxy/client.ts';
import { createLinks } from './links.ts';
import { type Endpoint, plannedNode, type Regions } from './provider.ts';
import { RegionToxiproxy } from './region-toxiproxy.ts';
import { type PlannedNode, planRoundTrips, type Topology } from './topology.ts';

interface ExternalNode extends PlannedNode {
  readonly address: Endpoint;
}

/**
 * Regions that somebody else runs, from the text of an endpoints file:
 * `{"regions": [...], "nodes": [{"name", "region", "address": "host:port"}], "toxiproxy": {"<region>": "http://..."},
 * "roundTripMs": {"a:b": 80}}`; the last two may be left out. Nothing is started and nothing ended; faults work
 * where the file gives a Toxiproxy whose proxies are named like the nodes (`<node>` and `<node>-bus`).
 * Throws INVALID_OPTION saying which part is wrong.
 */
export function openExternal(text: string, file: string): Regions {
  const { regions, nodes, toxiproxy, roundTripMs } = parseEndpoints(text, file);
  const topology: Topology = {
    regions,
    nodes,
    roundTripMs: planRoundTrips({ regions, roundTripMs }),
    jitterMs: 0,
    persistence: 'none',
    nodeTimeoutMs: 0,
  };
  const toxiproxies = new Map(
    Object.entries(toxiproxy).map(([region, url]) => [
      region,
      new RegionToxiproxy(new ToxiproxyClient({ url })),
    ]),
  );
  const addressOf = (name: string) => (plannedNode(topology, name) as ExternalNode).address;
  const refuse = async (node: string): Promise<never> => {
    throw new OpenclawError(
      'INVALID_OPTION',
      `${node} is run by somebody else: it is not ours to end, to start or to step`,
    );
  };
  return {
    name: file,
    provider: 'external',
    createdAt: '',
    description: `external, ${file}`,
    topology,
    links: createLinks(topology, toxiproxies),
    nodes: {
      kill: refuse,
      start: refuse,
      startEmpty: refuse,
      pause: refuse,
      resume: refuse,
      stepClock: refuse,
      heal: async () => {},
    },
    view: (region) => ({
      region,
      seeds: nodes.filter((node) => node.region === region).map(({ address }) => address),
    }),
    direct: addressOf,
    announced: addressOf,
    down: async () => {},
  };
}

function parseEndpoints(text: string, file: string) {
  const root = asObject(parseJson(text, file), 'the file');
  const regions = asArray(root.regions, 'regions').map((region) => asText(region, 'a region'));
  const nodes = asArray(root.nodes, 'nodes').map((node, i): ExternalNode => {
    const { name, region, address } = asObject(node, `nodes[${i}]`);
    if (!regions.includes(asText(region, `nodes[${i}].region`)))
      throw wrong(`nodes[${i}].region`, 'one of regions', region);
    return {
      name: asText(name, `nodes[${i}].name`),
      region: String(region),
      index: i,
      address: asEndpoint(address, `nodes[${i}].address`),
    };
  });
  const toxiproxy = Object.entries(asObject(root.toxiproxy ?? {}, 'toxiproxy')).map(([region, url]) => {
    if (!regions.includes(region)) throw wrong('toxiproxy', `names among ${regions.join(', ')}`, region);
    if (typeof url !== 'string' || !/^https?:\/\//.test(url) || !URL.canParse(url))
      throw wrong(`toxiproxy.${region}`, 'an http address', url);
    if (new URL(url).username !== '' || new URL(url).password !== '')
      throw wrong(
        `toxiproxy.${region}`,
        'an address without a user and a password, which a Toxiproxy does not ask for',
        'some',
      );
    return [region, url] as const;
  });
  const trips = Object.entries(asObject(root.roundTripMs ?? {}, 'roundTripMs')).map(([pair, ms]) => {
    if (typeof ms !== 'number') throw wrong(`roundTripMs.${pair}`, 'milliseconds', ms);
    return [pair, ms] as const;
  });
  return { regions, nodes, toxiproxy: Object.fromEntries(toxiproxy), roundTripMs: Object.fromEntries(trips) };

  function wrong(where: string, expected: string, found: unknown): OpenclawError {
    return new OpenclawError(
      'INVALID_OPTION',
      `${file}: ${where}: expected ${expected}; found ${quoted(found)}`,
    );
  }
  function asObject(value: unknown, where: string): Record<string, unknown> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
    throw wrong(where, 'an object', value);
  }
  function asArray(value: unknown, where: string): unknown[] {
    if (Array.isArray(value) && value.length > 0) return value;
    throw wrong(where, 'a list that is not empty', value);
  }
  function asText(value: unknown, where: string): string {
    if (typeof value === 'string' && /^[\w.-]{1,64}$/.test(value)) return value;
    throw wrong(where, 'a name of letters, digits, _ . and -', value);
  }
  function asEndpoint(value: unknown, where: string): Endpoint {
    const [, host, port] = typeof value === 'string' ? (/^([\w.-]+):(\d{1,5})$/.exec(value) ?? []) : [];
    if (host !== undefined && Number(port) > 0 && Number(port) < 65_536) return { host, port: Number(port) };
    throw wrong(where, 'host:port', value);
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OpenclawError(
      'INVALID_OPTION',
      `${file} is not JSON: ${error instanceof Error ? error.message : error}`,
    );
  }
}
