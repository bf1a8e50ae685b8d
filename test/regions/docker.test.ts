import { describe } from 'vitest';
import { dockerLack, withDocker } from '../support/docker.ts';
import { startDockerRegions } from '../support/docker-regions.ts';
import { describeProvider } from './contract.ts';

describe.skipIf(dockerLack !== undefined)(withDocker, () => {
  describeProvider('regions of containers', startDockerRegions);
});
