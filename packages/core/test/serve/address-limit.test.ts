import { afterEach, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ServeOptions } from '../../src/serve/options.js'
import { serve, type Serving } from '../../src/serve/serve.js'

const running: Serving[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(running.splice(0).map((serving) => serving.drain()))
})

async function start(options: ServeOptions): Promise<number> {
  const app = {
    callback: () => (_request: unknown, response: { end(text: string): void }) => response.end('hello'),
  }
  const serving = await serve(app, { port: 0, ...options })
  running.push(serving)
  return Number(new URL(serving.url).port)
}

/** Whether a connection from this loopback address is let in; it stays open. */
async function isLetIn(port: number, from: string): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from })
  sockets.push(socket)
  socket.on('error', () => undefined)
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const [first] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as unknown[]
  return first instanceof Uint8Array
}

async function letIn(port: number, ...from: string[]): Promise<boolean[]> {
  const answers: boolean[] = []
  for (const address of from) answers.push(await isLetIn(port, address))
  return answers
}

const ANN = '127.0.0.2'
const BOB = '127.0.0.3'

describe('connectionsPerAddress', () => {
  test('closes what an address has too many of, and nobody else’s', async () => {
    const port = await start({ connectionsPerAddress: 2 })
    expect(await letIn(port, ANN, ANN, ANN, BOB, ANN)).toEqual([true, true, false, true, false])
  })

  test('counts connections that are open only', async () => {
    const port = await start({ connectionsPerAddress: 1 })
    expect(await letIn(port, ANN, ANN)).toEqual([true, false])
    const [first] = sockets
    first?.end()
    if (first !== undefined) await once(first, 'close')
    expect(await letIn(port, ANN, ANN)).toEqual([true, false])
  })

  test('does not count those of proxies', async () => {
    const port = await start({ connectionsPerAddress: 1, proxyNetworks: [`${ANN}/32`] })
    expect(await letIn(port, ANN, ANN, ANN, BOB, BOB)).toEqual([true, true, true, true, false])
  })

  test('is no limit by default: behind a proxy all connections come from it', async () => {
    const port = await start({})
    expect(await letIn(port, ...Array<string>(20).fill(ANN))).not.toContain(false)
  })
})

test.each([
  [{ connectionsPerAddress: 0 }, /serve: connectionsPerAddress/],
  [{ connectionsPerAddress: 9, proxyNetworks: ['10.0.0.0/33'] }, /serve: proxyNetworks\[0\]/],
  [{ connectionsPerAddress: 9, proxyNetworks: ['0.0.0.0/0'] }, /serve: proxyNetworks\[0\]/],
  [{ proxyNetworks: ['10.0.0.0/8'] }, /serve: proxyNetworks has no effect/],
])('the option in %j that can not be right is named', async (options, message) => {
  await expect(start(options)).rejects.toThrow(message)
})
