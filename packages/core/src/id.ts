import { randomUUID } from 'node:crypto'

/** Makes an id that nobody can guess and that never repeats. Tests pass a counter. */
export type NewId = () => string

/** A random UUID (version 4). */
export const randomId: NewId = () => randomUUID()
