import { z } from 'zod';
import { type Endpoint, KINDS } from '../../topology/endpoints.ts';
import { PAIR } from '../../topology/regions.ts';
import { choice, decimal, listOf, mapping, regionName } from '../fields.ts';

const NODE_NAME = 'a name of letters, digits, _ . and -';
const ADDRESS = 'host:port or redis[s]://host:port, without user and password';
const API = 'an address like http://127.0.0.1:8474, without user and password';
const SERVICE = 'a URL like https://api.example.com/ratings, without user and password';
const USER = 'a user name, without a password';
const MOST_ROUND_TRIP_MS = 10_000;

/** An address with its scheme. */
export interface WrittenAddress extends Endpoint {
  readonly isTls: boolean;
}

const address = z.string({ error: ADDRESS }).transform((text, context): WrittenAddress => {
  const read = readAddress(text);
  if (read !== undefined) return read;
  // The text may have a password.
  const params = /[@?]/.test(text) ? { found: 'one with a user or password' } : {};
  context.addIssue({ code: 'custom', message: ADDRESS, params });
  return z.NEVER;
});

function readAddress(text: string): WrittenAddress | undefined {
  const written = text.includes('://') ? text : `redis://${text}`;
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol) || url.port === '' || url.port === '0')
    return undefined;
  if (`${url.username}${url.password}${url.search}${url.hash}` !== '' || !/^\/?$/.test(url.pathname))
    return undefined;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return host === '' ? undefined : { host, port: Number(url.port), isTls: url.protocol === 'rediss:' };
}

function httpUrl(error: string) {
  return z.string({ error }).superRefine((text, context) => {
    const url = /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined;
    if (url !== undefined && url.username === '' && url.password === '') return;
    const params = url === undefined ? {} : { found: 'one with a user or password' };
    context.addIssue({ code: 'custom', message: error, params });
  });
}

const someText = (what: string) =>
  z.string({ error: what }).refine((text) => text.length >= 1 && text.length <= 1_000, { error: what });

const nodeSchema = mapping({
  name: z
    .string({ error: NODE_NAME })
    .regex(/^[\w.-]{1,64}$/, { error: NODE_NAME })
    .meta({ description: 'Reports name the node so, and never by its address.' }),
  region: regionName().meta({ description: 'One of the regions.' }),
  address: address.meta({ description: 'As this machine reaches it.' }),
});

/** An endpoints file: a system that is already running. */
export const endpointsSchema = mapping({
  $schema: z.string().optional().meta({ description: 'The address of this schema, for editors.' }),
  kind: choice(KINDS).default('cluster').meta({
    description:
      'How clients find the server of a key: cluster (Redis Cluster), single (one server; or one in each region, which its services use), sentinel.',
  }),
  regions: listOf(regionName(), { what: 'regions', least: 1 }).meta({ description: 'One to nine names.' }),
  nodes: listOf(nodeSchema, { what: 'nodes', least: 1 })
    .optional()
    .meta({ description: 'Every Redis node, replicas too.' }),
  services: z
    .record(z.string(), httpUrl(SERVICE), { error: 'a mapping from regions to URLs' })
    .optional()
    .meta({ description: 'Instead of nodes: the HTTP service of each region, audited like --target.' }),
  tls: mapping({
    ca: someText('the path of a PEM file').optional().meta({
      description: 'Certificates of trusted authorities, in PEM; relative to this file.',
    }),
    serverName: someText('a host name').optional().meta({
      description: 'The name that each certificate must have, if it is not the host of the address.',
    }),
    insecure: z.literal(true, { error: 'true, or nothing' }).optional().meta({
      description: 'Accept any certificate.',
    }),
  })
    .optional()
    .meta({ description: 'How certificates are checked; needs addresses that start with rediss://.' }),
  username: z
    .string({ error: USER })
    .refine((text) => /^[^:\s]{1,256}$/.test(text), { error: USER, params: { found: 'something else' } })
    .optional()
    .meta({
      description:
        'The user of the nodes; default: REDIS_USERNAME. The password is read from REDIS_PASSWORD.',
    }),
  sentinel: mapping({
    primary: someText('the name of the primary, like mymaster').meta({
      description: 'The name of the primary, as the Sentinels call it.',
    }),
    addresses: listOf(address, { what: 'addresses', least: 1 }).meta({ description: 'Of the Sentinels.' }),
  })
    .optional()
    .meta({ description: 'Of kind sentinel; their password is read from SENTINEL_PASSWORD.' }),
  toxiproxy: z
    .record(z.string(), httpUrl(API), { error: 'a mapping from regions to addresses' })
    .nullish()
    .meta({ description: 'The API of the Toxiproxy of a region, with proxies named <node> and <node>-bus.' }),
  roundTripMs: z
    .record(z.string().regex(PAIR), decimal(0, MOST_ROUND_TRIP_MS), {
      error: 'a mapping from two regions, like us-east:eu-west, to milliseconds',
    })
    .nullish()
    .meta({ description: 'Round-trip time between two regions, like us-east:eu-west: 80.' }),
});

export type WrittenEndpoints = z.output<typeof endpointsSchema>;

/** The text of `scenarios/endpoints.schema.json`, the JSON Schema of endpoints files for editors. */
export function endpointsJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(endpointsSchema, { io: 'input', target: 'draft-7' }), undefined, 2)}\n`;
}
