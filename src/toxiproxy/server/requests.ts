import type { Direction, ExactAttributes, Toxic, ToxicType } from '../toxic.ts';
import { badRequest, invalidStream, invalidType } from './api-error.ts';
import { type Decoded, decodeList, decodeStruct, type GoStruct, parseBody } from './go-decode.ts';
import type { TcpProxy } from './proxy.ts';
import type { ProxySpec } from './registry.ts';
import type { ToxicChain } from './toxic-chain.ts';
import { TOXIC_TYPES } from './toxics/registry.ts';

const PROXY_FIELDS = { name: 'string', listen: 'string', upstream: 'string', enabled: 'bool' } as const;
const PROXY: GoStruct = { name: 'Proxy', type: 'toxiproxy.Proxy', fields: PROXY_FIELDS };
const LISTED_PROXY: GoStruct = {
  name: '',
  type: 'struct { toxiproxy.Proxy; Enabled *bool "json:\\"enabled\\"" }',
  fields: PROXY_FIELDS,
};

const TOXIC: GoStruct = {
  name: 'ToxicWrapper',
  type: 'toxics.ToxicWrapper',
  fields: {
    attributes: { name: 'NoopToxic', type: 'toxics.NoopToxic', fields: {} },
    name: 'string',
    type: 'string',
    stream: 'string',
    toxicity: 'float32',
  },
};

/** The body of POST /proxies. */
export function readProxy(body: string): ProxySpec {
  return proxySpec(decodeStruct(parseBody(body), PROXY));
}

/** The body of POST /populate. */
export function readProxies(body: string): ProxySpec[] {
  return decodeList(parseBody(body), LISTED_PROXY, `[]${LISTED_PROXY.type}`).map(proxySpec);
}

function proxySpec({ name = '', listen = '', upstream = '', enabled = true }: Decoded): ProxySpec {
  return { name, listen, upstream, enabled } as ProxySpec;
}

/** The body of PATCH /proxies/{proxy}. Absent fields keep their values; the name cannot change. */
export function readProxyChange(
  body: string,
  { listen, upstream, enabled }: TcpProxy,
): Omit<ProxySpec, 'name'> {
  const { name: _, ...changes } = decodeStruct(parseBody(body), PROXY);
  return { listen, upstream, enabled, ...changes };
}

/** The body of POST /proxies/{proxy}/toxics. */
export function readToxic(body: string, chain: ToxicChain): Toxic {
  const value = parseBody(body);
  const wrapper = decodeStruct(value, TOXIC);
  const {
    type: typeName = '',
    stream = 'downstream',
    toxicity = 1,
  } = wrapper as Partial<Record<string, string>>;
  const direction = stream.toLowerCase();
  if (direction !== 'upstream' && direction !== 'downstream') throw invalidStream();
  const type = TOXIC_TYPES.get(typeName);
  if (type === undefined) throw invalidType();
  const name = String(wrapper.name || `${typeName}_${stream}`);
  chain.checkFree(name);
  const { attributes } = decodeStruct(value, attributesOnly(type));
  return {
    type,
    name,
    stream,
    direction: direction satisfies Direction,
    toxicity: asFloat32(Number(toxicity)),
    attributes: mergeAttributes(type, {}, attributes),
  };
}

/** The body of PATCH /proxies/{proxy}/toxics/{toxic}. Absent attributes and toxicity keep their values. */
export function readToxicChange(body: string, toxic: Toxic): Pick<Toxic, 'attributes' | 'toxicity'> {
  const struct = attributesOnly(toxic.type, { toxicity: 'float32' });
  const { attributes, toxicity = toxic.toxicity } = decodeStruct(parseBody(body), struct);
  return {
    attributes: mergeAttributes(toxic.type, toxic.attributes, attributes),
    toxicity: asFloat32(Number(toxicity)),
  };
}

function attributesOnly(type: ToxicType, others: GoStruct['fields'] = {}): GoStruct {
  const attributes = { name: type.goType, type: `toxics.${type.goType}`, fields: type.attributes };
  return {
    name: '',
    type: 'struct { Attributes interface {} "json:\\"attributes\\"" }',
    fields: { attributes, ...others },
  };
}

function mergeAttributes(
  type: ToxicType,
  before: ExactAttributes,
  changes: Decoded[string],
): ExactAttributes {
  const given: Decoded = typeof changes === 'object' ? changes : {};
  const merged = Object.keys(type.attributes).map(
    (name) => [name, (given[name] ?? before[name] ?? 0) as number | bigint] as const,
  );
  for (const [name, value] of merged) {
    // The real server accepts these and then, for a rate or a variation, panics.
    if (value < 0) throw badRequest(`${name} must not be negative: ${value}`);
  }
  return Object.fromEntries(merged);
}

/** The shortest number for the nearest 32-bit float: the real server stores and shows 32 bits. */
function asFloat32(value: number): number {
  const float = Math.fround(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return Object.is(float, -0) ? -0 : short;
  }
  return Number(float.toPrecision(9));
}
