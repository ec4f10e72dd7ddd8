import { LRUCache } from 'lru-cache'
import {
  compileDocument,
  type Compiler,
  type Document,
  type RejectedDocument,
  type RunnableDocument,
} from './document.js'

/** How many compiled documents are kept. */
export interface DocumentCacheBounds {
  /** Documents. An integer of at least 1. Default 1,000. */
  readonly maxEntries?: number
  /** Estimated bytes of memory. An integer of at least 1. Default 32 MiB. */
  readonly maxBytes?: number
}

/** Compiles a text and an operation name, or remembers what became of them. */
export type CompileCached = (text: string, operationName: string | undefined) => Document

/** Measured on graphql 16.15: 155 bytes of heap for each character of a document, 221 with a tag plan. */
const BYTES_PER_CHARACTER = 250

/** What rejections may take of the bounds: they are cheap to make, so a flood of them must not push documents out. */
const REJECTED_SHARE = 4

/**
 * Remembers documents by their exact text. Validation costs 150 us and more for each request, execution of a small
 * query 3; a rejected text is remembered too, or a flood of one of them costs as much.
 */
export function documentCache(compiler: Compiler, bounds: Required<DocumentCacheBounds>): CompileCached {
  const { maxEntries, maxBytes } = bounds
  const runnable = new LRUCache<string, RunnableDocument>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: (_, key) => key.length * BYTES_PER_CHARACTER,
  })
  const rejected = new LRUCache<string, RejectedDocument>({
    max: Math.ceil(maxEntries / REJECTED_SHARE),
    maxSize: Math.ceil(maxBytes / REJECTED_SHARE),
    sizeCalculation: (document, key) => 2 * key.length + 2 * JSON.stringify(document.errors).length,
  })

  return (text, operationName) => {
    // A length in front: no name and text meet another name and text.
    const key = operationName === undefined ? `-${text}` : `${operationName.length}:${operationName}${text}`
    const known = runnable.get(key) ?? rejected.get(key)
    if (known !== undefined) return known
    const document = compileDocument(compiler, text, operationName)
    if (document.kind === 'runnable') runnable.set(key, document)
    else rejected.set(key, document)
    return document
  }
}
