import type { StandardSchemaV1 } from '@standard-schema/spec'

/** One problem with one field, for the caller. */
export interface FieldError {
  /** Where: a JSON pointer (RFC 6901) such as `/items/0/price`; `''` is the whole value. */
  readonly pointer: string
  /** What is wrong, in the words of the schema's library. */
  readonly detail: string
}

/** What validation found: the value as the schema returns it, or the problems. */
export type Validated = { readonly value: unknown } | { readonly errors: readonly FieldError[] }

/** The most field problems one refusal lists. */
export const MOST_ERRORS = 100

/** The most characters they have together: 100 problems below one long name must not multiply it. */
const MOST_TEXT = 16_384

/** Holds a value against a Standard Schema, synchronous or not. */
export async function validate(schema: StandardSchemaV1, value: unknown): Promise<Validated> {
  const result = await schema['~standard'].validate(value)
  return result.issues === undefined ? { value: result.value } : { errors: fieldErrors(result.issues) }
}

function fieldErrors(issues: readonly StandardSchemaV1.Issue[]): FieldError[] {
  const errors: FieldError[] = []
  let room = MOST_TEXT
  for (const { path, message } of issues.slice(0, MOST_ERRORS)) {
    const error = { pointer: pointerTo(path ?? []), detail: message }
    room -= error.pointer.length + error.detail.length
    if (room < 0) break
    errors.push(error)
  }
  return errors
}

function pointerTo(path: NonNullable<StandardSchemaV1.Issue['path']>): string {
  return path.map((segment) => `/${escape(typeof segment === 'object' ? segment.key : segment)}`).join('')
}

/** RFC 6901 3: `~` first, else the `~` of an escaped `/` would be escaped again. */
function escape(key: PropertyKey): string {
  return String(key).replaceAll('~', '~0').replaceAll('/', '~1')
}
