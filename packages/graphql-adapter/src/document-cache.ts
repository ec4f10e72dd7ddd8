import { LRUCache } from 'lru-cache'
import {
  type Compiler,
  type Document,
  type DraftedDocument,
  readDocument,
  type RunnableDocument,
} from './document.js'
import type { RejectedDocument } from './rejected.js'

/** How many compiled documents are kept. */
export interface DocumentCacheBounds {
  /** Documents. An integer of at least 1. Default 1,000. */
  readonly maxEntries?: number
  /** Estimated bytes of memory. An integer of at least 1. Default 32 MiB. */
  readonly maxBytes?: number
}

/** Texts and operation names, and what became of them. */
export interface Documents {
  /** What is known of it without validation, for callers whom nobody knows yet. */
  readonly read: (text: string, operationName: string | undefined) => Document | DraftedDocument
  /** Validates it, if nobody has. */
  readonly compile: (text: string, operationName: string | undefined) => Document
}

/** Measured on graphql 16.15: 155 bytes of heap for each character of a document, 221 with a tag plan. */
const BYTES_PER_CHARACTER = 250

/**
 * What rejections, and texts that nobody validated, may take of the bounds each: they are cheap to make, so a flood of
 * them must not push documents out.
 */
const CHEAP_SHARE = 4

/**
 * Remembers documents by their exact text. Validation costs 150 us and more for each request, execution of a small
 * query 3; a rejected text is remembered too, or a flood of one of them costs as much.
 */
export function documentCache(compiler: Compiler, bounds: Required<DocumentCacheBounds>): Documents {
  const { maxEntries, maxBytes } = bounds
  const runnable = new LRUCache<string, RunnableDocument>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: (_, key) => key.length * BYTES_PER_CHARACTER,
  })
  const rejected = new LRUCache<string, RejectedDocument>({
    max: Math.ceil(maxEntries / CHEAP_SHARE),
    maxSize: Math.ceil(maxBytes / CHEAP_SHARE),
    sizeCalculation: (document, key) => 2 * key.length + 2 * JSON.stringify(document.errors).length,
  })

  const drafted = new LRUCache<string, DraftedDocument>({
    max: Math.ceil(maxEntries / CHEAP_SHARE),
    maxSize: Math.ceil(maxBytes / CHEAP_SHARE),
    sizeCalculation: (_, key) => key.length * BYTES_PER_CHARACTER,
  })

  const read = (key: string, text: string, operationName: string | undefined): Document | DraftedDocument => {
    const known = runnable.get(key) ?? rejected.get(key) ?? drafted.get(key)
    if (known !== undefined) return known
    const document = readDocument(compiler, text, operationName)
    if (document.kind === 'rejected') rejected.set(key, document)
    else drafted.set(key, document)
    return document
  }

  return {
    read: (text, operationName) => read(keyOfText(text, operationName), text, operationName),
    compile(text, operationName) {
      const key = keyOfText(text, operationName)
      const document = read(key, text, operationName)
      if (document.kind !== 'drafted') return document
      const compiled = document.complete()
      drafted.delete(key)
      if (compiled.kind === 'runnable') runnable.set(key, compiled)
      else rejected.set(key, compiled)
      return compiled
    },
  }
}

/** A length in front: no name and text meet another name and text. */
function keyOfText(text: string, operationName: string | undefined): string {
  return operationName === undefined ? `-${text}` : `${operationName.length}:${operationName}${text}`
}
