import type { Endpoint, Endpoints } from '../../topology/endpoints.ts';

/** The document of an endpoints file, of which `parseEndpoints` makes these endpoints again. */
export function endpointsDocument(endpoints: Endpoints): Readonly<Record<string, unknown>> {
  const { kind, regions, nodes, tls, username, sentinel, services, toxiproxy, roundTripMs } = endpoints;
  const addressOf = ({ host, port }: Endpoint) =>
    `${tls === undefined ? 'redis' : 'rediss'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    ...{ kind, regions },
    ...(nodes.length > 0
      ? { nodes: nodes.map(({ address, ...node }) => ({ ...node, address: addressOf(address) })) }
      : { services }),
    ...(tls && Object.keys(tls).length > 0 && { tls }),
    ...(username !== undefined && { username }),
    ...(sentinel && { sentinel: { ...sentinel, addresses: sentinel.addresses.map(addressOf) } }),
    ...(Object.keys(toxiproxy).length > 0 && { toxiproxy }),
    ...(Object.keys(roundTripMs).length > 0 && { roundTripMs }),
  };
}
