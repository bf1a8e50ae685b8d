import { z } from 'zod';
import { invalidOption } from '../core/errors.ts';
import { quoted } from '../core/printable.ts';
import { type PlannedNode, planRoundTrips, type Topology } from '../topology/topology.ts';
import { ToxiproxyClient } from '../toxiproxy/client.ts';
import { createLinks } from './network/links.ts';
import { RegionToxiproxy } from './network/region-toxiproxy.ts';
import { type Endpoint, type Login, plannedNode, type Regions } from './provider.ts';

interface ExternalNode extends PlannedNode {
  readonly address: Endpoint;
}

/**
 * External regions, from the text of an endpoints file:
 * `{"regions": [...], "nodes": [{"name", "region", "address": "host:port"}], "toxiproxy": {"<region>": "http://..."},
 * "roundTripMs": {"a:b": 80}}`; the last two are optional. Nothing is started or stopped. Network faults need a
 * Toxiproxy in the file, with proxies named after the nodes (`<node>` and `<node>-bus`).
 * `login` is that of every node. Throws INVALID_OPTION that names the invalid part.
 */
export function openExternal(text: string, file: string, login?: Login): Regions {
  const { regions, toxiproxy, roundTripMs, ...given } = parseEndpoints(text, file);
  const nodes = given.nodes.map((node, index): ExternalNode => ({ ...node, index }));
  const topology: Topology = {
    regions,
    nodes,
    roundTripMs: planRoundTrips({ regions, roundTripMs: roundTripMs ?? {} }),
    jitterMs: 0,
    persistence: 'none',
    nodeTimeoutMs: 0,
  };
  const toxiproxies = new Map(
    Object.entries(toxiproxy ?? {}).map(([region, url]) => [
      region,
      new RegionToxiproxy(new ToxiproxyClient({ url })),
    ]),
  );
  const addressOf = (name: string) => (plannedNode(topology, name) as ExternalNode).address;
  const refuse = async (node: string): Promise<never> => {
    throw invalidOption(`${node} is external: openclaw-rl cannot stop it, start it or step its clock`);
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
    direct: (name) => ({ ...addressOf(name), ...login }),
    announced: addressOf,
    down: async () => {},
  };
}

const OBJECT = { error: 'an object' };
const LIST = { error: 'a non-empty list' };

const textLike = (pattern: RegExp, error: string, isGood: (text: string) => boolean = () => true) =>
  z.string({ error }).refine((text) => pattern.test(text) && isGood(text), { error, abort: true });

const listOf = <Item extends z.ZodType>(item: Item) => z.array(item, LIST).min(1, LIST);

const portOf = (address: string) => Number(address.split(':')[1]);

const name = textLike(/^[\w.-]{1,64}$/, 'a name of letters, digits, _ . and -');
const isPort = (port: number) => port > 0 && port < 65_536;
const address = textLike(/^[\w.-]+:\d{1,5}$/, 'host:port', (text) => isPort(portOf(text))).transform(
  (text): Endpoint => ({ host: text.split(':')[0] ?? '', port: portOf(text) }),
);
const api = textLike(/^https?:\/\//, 'an http address', (url) => URL.canParse(url)).refine(
  (url) => new URL(url).username === '' && new URL(url).password === '',
  {
    error: 'an address without user and password, because a Toxiproxy takes none',
    params: { found: 'some' },
  },
);

const endpoints = z
  .object(
    {
      regions: listOf(name),
      nodes: listOf(z.object({ name, region: name, address }, OBJECT)),
      toxiproxy: z.record(z.string(), api, OBJECT).nullish(),
      roundTripMs: z.record(z.string(), z.number({ error: 'milliseconds' }), OBJECT).nullish(),
    },
    OBJECT,
  )
  .superRefine(({ regions, nodes, toxiproxy }, context) => {
    const check = (found: string, path: PropertyKey[], message: string) => {
      if (!regions.includes(found)) context.addIssue({ code: 'custom', path, message, params: { found } });
    };
    for (const [i, { region }] of nodes.entries()) check(region, ['nodes', i, 'region'], 'one of regions');
    for (const region of Object.keys(toxiproxy ?? {}))
      check(region, ['toxiproxy'], `one of ${regions.join(', ')}`);
  });

function parseEndpoints(text: string, file: string) {
  const { data, error } = endpoints.safeParse(parseJson(text, file), { reportInput: true });
  if (error === undefined) return data;
  const [issue] = error.issues;
  const where = z.core.toDotPath(issue?.path ?? []) || 'the file';
  const found = issue?.code === 'custom' && issue.params !== undefined ? issue.params.found : issue?.input;
  throw invalidOption(`${file}: ${where}: expected ${issue?.message}; found ${quoted(found)}`);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidOption(`${file} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}
