import { startLocalRegions } from '../support/local-regions.ts';
import { SERVERS } from '../support/server.ts';
import { describeProvider } from './contract.ts';

for (const server of SERVERS) describeProvider(`local regions of ${server}`, () => startLocalRegions(server));
