/** An address that this program can connect to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** How clients find the server of a key: by a Redis Cluster, at one address, or by asking Sentinels. */
export const KINDS = ['cluster', 'single', 'sentinel'] as const;

export type Kind = (typeof KINDS)[number];

/** A node of a system that is already running. */
export interface EndpointNode {
  readonly name: string;
  readonly region: string;
  readonly address: Endpoint;
}

/** How certificates are checked. */
export interface EndpointTls {
  /** Certificates of trusted authorities, in PEM: as written, relative to the endpoints file. */
  readonly ca?: string;
  /** The name that each certificate must have, if it is not the host of the address. */
  readonly serverName?: string;
  /** Accept any certificate. */
  readonly insecure?: true;
}

/** A system that is already running, as an endpoints file describes it. It has nodes or services. */
export interface Endpoints {
  readonly kind: Kind;
  readonly regions: readonly string[];
  readonly nodes: readonly EndpointNode[];
  /** Absent without TLS. */
  readonly tls?: EndpointTls;
  /** The user of the nodes; the password is never in the file. */
  readonly username?: string;
  /** Of kind sentinel. */
  readonly sentinel?: { readonly primary: string; readonly addresses: readonly Endpoint[] };
  /** The URL of the HTTP service of each region, instead of nodes. */
  readonly services: Readonly<Record<string, string>>;
  /** The API of the Toxiproxy of a region. */
  readonly toxiproxy: Readonly<Record<string, string>>;
  /** Round trip in milliseconds, by `a:b` in either order; absent pairs have the default. */
  readonly roundTripMs: Readonly<Record<string, number>>;
}
