import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  Lexer,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql'

/** How large a document may be. */
export interface DocumentLimits {
  /** Tokens of a document. */
  readonly maxTokens: number
  /** Levels of brackets in a document, of selections with fragments spread, of JSON in variables. */
  readonly maxDepth: number
  /** Fields an operation asks for, with the fields of every fragment counted at each of its spreads. */
  readonly maxFields: number
}

/**
 * Counts tokens and brackets before the parser runs: it recurses, and 2,000 nested `[` in 4 KB overflow its stack.
 *
 * @returns which limit is exceeded, in words.
 * @throws GraphQLError when the text has a character that no token starts with.
 */
export function exceedsTokens(text: string, limits: DocumentLimits): string | undefined {
  const lexer = new Lexer(new Source(text))
  let tokens = 0
  let depth = 0
  for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
    tokens += 1
    if (tokens > limits.maxTokens) return `The document has more than ${limits.maxTokens} tokens.`
    if (OPENING.has(kind)) depth += 1
    else if (CLOSING.has(kind)) depth -= 1
    if (depth > limits.maxDepth) return `The document is nested deeper than ${limits.maxDepth} levels.`
  }
  return undefined
}

const OPENING: ReadonlySet<string> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L])
const CLOSING: ReadonlySet<string> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R])

/** What a selection set asks for when every fragment is written out where it is spread. */
interface Extent {
  readonly fields: number
  readonly depth: number
}

/**
 * Measures what the document's operations ask for, before validation. Each fragment is measured once, so 937 bytes
 * that ask for 2^20 fields are found in the time it takes to read them.
 *
 * @returns which limit is exceeded, in words.
 */
export function exceedsExtent(document: DocumentNode, limits: DocumentLimits): string | undefined {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node)
  }
  const measured = new Map<string, Extent>()

  const ofFragment = (name: string, level: number): Extent => {
    const known = measured.get(name)
    if (known !== undefined) return known
    const fragment = fragments.get(name)
    if (fragment === undefined) return NOTHING
    // A chain of fragments nests as deep as it is long, here and in everything that walks the document later.
    if (level > limits.maxDepth * 2) return { fields: 0, depth: Number.POSITIVE_INFINITY }
    measured.set(name, NOTHING) // one that spreads itself is for validation to name
    const extent = ofSelections(fragment.selectionSet, level + 1)
    measured.set(name, extent)
    return extent
  }

  const ofSelections = (set: SelectionSetNode, level: number): Extent => {
    let fields = 0
    let depth = 0
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        const inner =
          selection.selectionSet === undefined ? NOTHING : ofSelections(selection.selectionSet, level + 1)
        fields += 1 + inner.fields
        depth = Math.max(depth, 1 + inner.depth)
      } else {
        const inner =
          selection.kind === Kind.INLINE_FRAGMENT
            ? ofSelections(selection.selectionSet, level + 1)
            : ofFragment(selection.name.value, level)
        fields += inner.fields
        depth = Math.max(depth, inner.depth)
      }
    }
    return { fields: Math.min(fields, limits.maxFields + 1), depth }
  }

  for (const node of document.definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION) continue
    const { fields, depth } = ofSelections(node.selectionSet, 0)
    if (fields > limits.maxFields) return `The operation asks for more than ${limits.maxFields} fields.`
    if (depth > limits.maxDepth) return `The operation selects deeper than ${limits.maxDepth} levels.`
  }
  return undefined
}

const NOTHING: Extent = { fields: 0, depth: 0 }

/** Whether JSON is nested deeper than `limit` levels: whatever walks it later recurses. */
export function isNestedDeeper(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (limit === 0) return true
  return Object.values(value).some((member) => isNestedDeeper(member, limit - 1))
}
