import { type Fields, linesOf } from '../fields.js'

/** A URL, or nothing where `text` is none. */
export function parseUrl(text: string, base?: URL): URL | undefined {
  return URL.canParse(text, base?.href) ? new URL(text, base) : undefined
}

/**
 * The paths that the `Location` of an answer leads to, seen from the path it answers. Whatever origin is named: what a
 * proxy calls it is not always known here.
 */
export function locatedPaths(path: string, headers: Fields): readonly string[] {
  const base = parseUrl(`http://any${path}`)
  return linesOf(headers, 'location')
    .map((reference) => parseUrl(reference, base)?.pathname)
    .filter((located) => located !== undefined)
}
