import { z } from 'zod';
import { scenarioSchema } from './schema.ts';

/** The text of `scenarios/scenario.schema.json`, the JSON Schema of scenario files for editors. */
export function scenarioJsonSchema(): string {
  const json = z.toJSONSchema(scenarioSchema, { io: 'input', target: 'draft-7' }); // what editors read
  return `${JSON.stringify(json, undefined, 2)}\n`;
}
