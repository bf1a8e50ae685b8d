import { z } from 'zod';
import { type SchemaRules, scenarioSchema } from './schema.ts';

/** The JSON Schema of a scenario's file, for editors: text that is published as `scenarios/scenario.schema.json`. */
export function scenarioJsonSchema(strategies: SchemaRules['strategies']): string {
  const schema = scenarioSchema({ strategies, parseClaim: () => undefined });
  const json = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' }); // what editors read
  return `${JSON.stringify(json, undefined, 2)}\n`;
}
