import { z } from 'zod';

const partName = z.string().describe('<region>, <region>:2/3 for the second of three, or "control part"');

const outcomes = z.object({ allowed: z.number(), denied: z.number(), failed: z.number(), info: z.number() });

const file = {
  ...{ file: z.string(), part: partName, machine: z.string().describe('the id of its monotonic clock') },
  isComplete: z.boolean(),
  sent: z.number().exactOptional().describe('absent if the file was cut short'),
  outcomes,
  dropped: z.number(),
};

/** The parts of a run, with the books of each. */
export const parts = z.object({
  run: z.string(),
  plan: z.string().describe('SHA-256'),
  of: z.array(partName).describe('all parts of the run that send load'),
  files: z.array(z.object(file)).describe('of the parts that send load'),
  control: z
    .object(file)
    .exactOptional()
    .describe('of the part with the faults of the run, which sends none'),
  missing: z.array(partName),
  cutShort: z.array(partName).describe('parts whose file has no end'),
  leftOut: z.array(
    z.object({
      ...{ file: z.string(), part: partName },
      why: z.enum(['plan', 'run', 'altered', 'copy', 'double']),
    }),
  ),
  unrelated: z
    .array(z.string())
    .exactOptional()
    .describe('machines whose clock no reading relates to that of the others'),
  isWhole: z.boolean().describe('whether the files have every request of the run, and its faults'),
});
