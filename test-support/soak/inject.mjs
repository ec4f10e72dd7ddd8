// @ts-check
/// <reference types="node" />
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

/**
 * Gives an application a request without a connection, and waits for the end of its answer.
 *
 * @param {(request: IncomingMessage, response: ServerResponse) => unknown} listener
 * @param {{ method?: string, path: string, address: string, headers?: Record<string, string>, body?: string }} init
 * @returns {Promise<number>} the status
 */
export async function inject(listener, { method = 'GET', path, address, headers = {}, body }) {
  const socket = silentSocket(address)
  const request = new IncomingMessage(socket)
  request.method = method
  request.url = path
  request.httpVersion = '1.1'
  request.httpVersionMajor = 1
  request.httpVersionMinor = 1
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  for (const [name, value] of Object.entries({ host: 'api.example', ...length, ...headers })) {
    request.rawHeaders.push(name, value)
    request.headers[name] = value
  }
  if (body !== undefined) request.push(body)
  request.push(null)
  request.complete = true
  const response = new ServerResponse(request)
  response.assignSocket(socket)
  const ended = new Promise((resolve) => void response.once('finish', () => resolve(undefined)))
  listener(request, response)
  await ended
  response.detachSocket(socket)
  socket.destroy()
  return response.statusCode
}

/** A socket without a connection: what is sent goes nowhere. */
function silentSocket(/** @type {string} */ address) {
  const socket = new Socket()
  return Object.defineProperties(socket, {
    remoteAddress: { value: address },
    _write: {
      value: (
        /** @type {unknown} */ _chunk,
        /** @type {unknown} */ _encoding,
        /** @type {() => void} */ done,
      ) => done(),
    },
    _writev: { value: (/** @type {unknown} */ _chunks, /** @type {() => void} */ done) => done() },
  })
}
