import { parse } from 'yaml';
import { z } from 'zod';

/**
 * The files that GitHub reads, by the fields that its documentation has; unknown ones are errors, as GitHub rejects a form
 * with one. The registry has their JSON Schemas only in a package of 41 MB of 2022, without today's fields.
 */

const text = z.string().refine((value) => value.trim() !== '', 'it is blank');
const validations = z.strictObject({ required: z.boolean() }).optional();
const id = z
  .string()
  .regex(/^[\w-]+$/)
  .optional();
const asked = { label: text, description: text.optional() };
const typed = { ...asked, placeholder: text.optional(), value: text.optional() };
const option = text.refine(
  (value) => !/^(none|true|false|yes|no)$/i.test(value),
  'GitHub refuses this option',
);

const element = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('markdown'), attributes: z.strictObject({ value: text }) }),
  z.strictObject({ type: z.literal('input'), id, attributes: z.strictObject(typed), validations }),
  z.strictObject({
    ...{ type: z.literal('textarea'), id, validations },
    attributes: z.strictObject({ ...typed, render: z.enum(['Shell', 'Text']).optional() }),
  }),
  z.strictObject({
    ...{ type: z.literal('dropdown'), id, validations },
    attributes: z.strictObject({
      ...asked,
      options: z.array(option).min(1),
      multiple: z.boolean().optional(),
      default: z.int().min(0).optional(),
    }),
  }),
  z.strictObject({
    ...{ type: z.literal('checkboxes'), id },
    attributes: z.strictObject({
      ...asked,
      options: z.array(z.strictObject({ label: text, required: z.boolean().optional() })).min(1),
    }),
  }),
]);

const names = z.array(text).optional();

const form = z
  .strictObject({
    ...{ name: text, description: text, title: text.optional(), type: text.optional() },
    ...{ labels: names, assignees: names, projects: names },
    body: z.array(element).min(1),
  })
  .superRefine(({ body }, context) => {
    const fields = body.filter((one) => one.type !== 'markdown');
    if (fields.length === 0) context.addIssue('a form needs a field');
    for (const [what, values] of [
      ['id', fields.flatMap((one) => one.id ?? [])],
      ['label', fields.map(({ attributes }) => attributes.label)],
    ] as const)
      if (new Set(values).size < values.length) context.addIssue(`two fields have the same ${what}`);
    for (const { attributes } of body)
      if ('options' in attributes) {
        const options = attributes.options.map((one) => (typeof one === 'string' ? one : one.label));
        if (new Set(options).size < options.length) context.addIssue('two options are the same');
      }
  });

const chooser = z.strictObject({
  blank_issues_enabled: z.boolean().optional(),
  contact_links: z
    .array(z.strictObject({ name: text, about: text, url: z.url({ protocol: /^https?$/ }) }))
    .optional(),
});

const updateTypes = z
  .array(z.enum(['major', 'minor', 'patch']))
  .min(1)
  .optional();
const updates = z.strictObject({
  'package-ecosystem': z.enum(['npm', 'github-actions', 'docker', 'docker-compose']),
  directory: z.string().startsWith('/'),
  schedule: z.strictObject({
    interval: z.enum(['daily', 'weekly', 'monthly', 'quarterly', 'semiannually', 'yearly']),
  }),
  cooldown: z.strictObject({ 'default-days': z.int().min(1).max(90) }).optional(),
  'open-pull-requests-limit': z.int().min(0).optional(),
  groups: z
    .record(
      z.string(),
      z
        .strictObject({
          'dependency-type': z.enum(['development', 'production']).optional(),
          patterns: z.array(text).min(1).optional(),
          'update-types': updateTypes,
        })
        .refine((group) => Object.keys(group).length > 0, 'a group needs something that chooses'),
    )
    .optional(),
  ignore: z
    .array(
      z.strictObject({
        'dependency-name': text,
        'update-types': z
          .array(
            z.enum([
              'version-update:semver-major',
              'version-update:semver-minor',
              'version-update:semver-patch',
            ]),
          )
          .optional(),
      }),
    )
    .optional(),
});
const dependabot = z.strictObject({ version: z.literal(2), updates: z.array(updates).min(1) });

const SCHEMAS = { form, chooser, dependabot };

/** What is wrong with a file; empty if nothing is. */
export function mistakesIn(kind: keyof typeof SCHEMAS, yaml: string): string[] {
  const { error } = SCHEMAS[kind].safeParse(parse(yaml));
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

export type Form = z.infer<typeof form>;

export const formOf = (yaml: string): Form => form.parse(parse(yaml));
