import { startLocalRegions } from '../support/local-regions.ts';
import { describeProvider } from '../support/regions-contract.ts';
import { SERVERS } from '../support/server.ts';

for (const server of SERVERS)
  describeProvider(`local regions of ${server}`, () => startLocalRegions(server, { nodeTimeoutMs: 4_000 }));
