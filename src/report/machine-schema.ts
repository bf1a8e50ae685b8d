import { z } from 'zod';

/** What a report of a run in parts says of the clocks of its machines. */
export const machineFields = {
  machines: z
    .array(
      z.object({
        machine: z.string().describe('the id of its monotonic clock'),
        parts: z.array(z.string()),
        errorUs: z
          .number()
          .describe('half of the largest distance between the bounds of its offset to the clock endpoint'),
        readings: z.object({
          base: z.number().describe('of the clock endpoint'),
          nodes: z.number().describe('of the TIME of Redis nodes'),
          decisions: z.number().describe('decisions that show the time of their node: the most exact ones'),
          dropped: z.number().describe('such decisions that contradict the other readings'),
        }),
      }),
    )
    .exactOptional()
    .describe('of a run in parts: how well the clock of each machine is known'),
  driftPpm: z
    .number()
    .exactOptional()
    .describe('of a run in parts: the most by which two clocks drift apart, as assumed'),
  contradictions: z
    .array(z.string())
    .exactOptional()
    .describe(
      'readings that no clocks explain, and nodes that are several servers; the verdict is then unknown',
    ),
};
