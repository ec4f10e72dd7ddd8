/** Header fields of a reply: lower-cased names; an array is several field lines. */
export type Fields = Readonly<Record<string, string | readonly string[]>>
