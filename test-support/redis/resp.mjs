// @ts-check
import { connect } from 'node:net'

/**
 * What a server replies: text, a number, nothing, or a list of these.
 *
 * @typedef {string | number | null | Reply[]} Reply
 */

/** How long a server may take: longer than any start, shorter than a test. */
const PATIENCE = 2_000

/**
 * Sends one command on a connection of its own and reads the reply.
 *
 * @param {number} port
 * @param {readonly (string | number)[]} words
 * @returns {Promise<Reply>} rejected with an error reply, and when there is none in time.
 */
export function sendCommand(port, words) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1')
    socket.setTimeout(PATIENCE, () =>
      socket.destroy(new Error(`no reply from port ${port} in ${PATIENCE} ms`)),
    )
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`port ${port} closed the connection without a reply`)))
    socket.on('data', (/** @type {string} */ chunk) => {
      text += chunk
      const parsed = parse(text, 0)
      if (parsed === undefined) return
      if (parsed.value instanceof Error) reject(parsed.value)
      else resolve(parsed.value)
      socket.destroy()
    })
    socket.write(encode(words))
  })
}

/** @param {readonly (string | number)[]} words */
function encode(words) {
  const bulks = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`)
  return `*${words.length}\r\n${bulks.join('')}`
}

/**
 * Reads one RESP2 reply.
 *
 * @param {string} text
 * @param {number} start
 * @returns {{ value: Reply | Error, end: number } | undefined} nothing while it is not complete.
 */
function parse(text, start) {
  const lineEnd = text.indexOf('\r\n', start)
  if (lineEnd === -1) return undefined
  const line = text.slice(start + 1, lineEnd)
  const end = lineEnd + 2
  switch (text[start]) {
    case '+':
      return { value: line, end }
    case '-':
      return { value: new Error(line), end }
    case ':':
      return { value: Number(line), end }
    case '$':
      return line === '-1' ? { value: null, end } : parseBulk(text, end, Number(line))
    case '*':
      return line === '-1' ? { value: null, end } : parseList(text, end, Number(line))
    default:
      throw new Error(`not a RESP2 reply: ${JSON.stringify(text.slice(start, lineEnd))}`)
  }
}

/**
 * @param {string} text
 * @param {number} start
 * @param {number} length
 */
function parseBulk(text, start, length) {
  if (text.length < start + length + 2) return undefined
  const value = Buffer.from(text.slice(start, start + length), 'latin1').toString()
  return { value, end: start + length + 2 }
}

/**
 * @param {string} text
 * @param {number} start
 * @param {number} length
 */
function parseList(text, start, length) {
  /** @type {Reply[]} */
  const value = []
  let end = start
  for (let index = 0; index < length; index += 1) {
    const item = parse(text, end)
    if (item === undefined) return undefined
    value.push(item.value instanceof Error ? item.value.message : item.value)
    end = item.end
  }
  return { value, end }
}
