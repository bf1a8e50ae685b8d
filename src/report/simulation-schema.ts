import { z } from 'zod';

/** What a report says of a simulation. */
export const simulationFields = {
  simulated: z.literal(true).exactOptional().describe('the run was a simulation, in virtual time'),
  outside: z
    .array(z.string())
    .exactOptional()
    .describe('what its plug-in used outside virtual time, so that the verdict is unknown'),
};
