import { chooseImages } from '../../src/regions/docker/images.ts';
import { createDockerProvider } from '../../src/regions/docker/provider.ts';
import type { TopologyOptions } from '../../src/topology/topology.ts';
import { imageVariables } from './docker.ts';
import { startTestRegions } from './test-regions.ts';

/** Containers; `cluster` is the value of their label. */
export async function startDockerRegions(options: Partial<TopologyOptions> = {}) {
  const images = chooseImages(imageVariables());
  return startTestRegions((store) => createDockerProvider({ store, images }), options);
}
