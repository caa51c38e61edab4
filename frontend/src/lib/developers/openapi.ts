/** The parts of the OpenAPI document that the reference shows. */
import * as v from 'valibot';

const Schema = v.looseObject({});
const Content = v.optional(v.record(v.string(), v.object({ schema: v.optional(Schema) })), {});
const Operation = v.object({
  summary: v.optional(v.string(), ''),
  description: v.optional(v.string(), ''),
  tags: v.optional(v.array(v.string()), []),
  parameters: v.optional(
    v.array(
      v.object({
        name: v.string(),
        in: v.string(),
        required: v.optional(v.boolean(), false),
        description: v.optional(v.string(), ''),
        schema: v.optional(Schema, {}),
      }),
    ),
    [],
  ),
  requestBody: v.optional(v.object({ content: Content })),
  responses: v.optional(
    v.record(v.string(), v.looseObject({ description: v.optional(v.string(), ''), content: Content })),
    {},
  ),
});
export const Document = v.object({
  info: v.object({ title: v.string(), version: v.string() }),
  paths: v.record(v.string(), v.record(v.string(), v.unknown())),
  components: v.optional(v.object({ schemas: v.optional(v.record(v.string(), Schema), {}) }), {}),
});

export type Document = v.InferOutput<typeof Document>;
export type Operation = v.InferOutput<typeof Operation> & { method: string; path: string; id: string };

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** All operations in the order of the document. */
export function operationsOf(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    METHODS.flatMap((method) => {
      const { success, output } = v.safeParse(Operation, methods[method]);
      return success ? [{ ...output, method, path, id: `${method}${path}`.replace(/[^a-z]+/gi, '-') }] : [];
    }),
  );
}

interface Field {
  name: string;
  type: string;
  description: string;
}

type Loose = Record<string, unknown>;

/** The type of a schema in few words: “string”, “array of Quote”, “gainers | losers”. */
export function typeOf(schema: Loose): string {
  if (typeof schema.$ref === 'string') return schema.$ref.split('/').at(-1) ?? '';
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return choices.map((one: Loose) => typeOf(one)).join(' | ');
  if (Array.isArray(schema.enum)) return schema.enum.join(' | ');
  if ('const' in schema) return String(schema.const);
  if (schema.type === 'array') return `array of ${typeOf((schema.items ?? {}) as Loose)}`;
  const name = Array.isArray(schema.type) ? schema.type.join(' | ') : String(schema.type ?? 'any');
  return typeof schema.format === 'string' ? `${name} (${schema.format})` : name;
}

/** The members of an object, those of a reference or of all parts of an `allOf` included. */
export function fieldsOf(schema: Loose, document: Document): Field[] {
  if (typeof schema.$ref === 'string')
    return fieldsOf((document.components.schemas?.[schema.$ref.split('/').at(-1) ?? ''] ?? {}) as Loose, document);
  if (Array.isArray(schema.allOf)) return schema.allOf.flatMap((one: Loose) => fieldsOf(one, document));
  return Object.entries((schema.properties ?? {}) as Record<string, Loose>).map(([name, field]) => ({
    name,
    type: typeOf(field),
    description: typeof field.description === 'string' ? field.description : '',
  }));
}
