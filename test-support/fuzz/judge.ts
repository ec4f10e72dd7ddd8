import { REFUSALS } from '@headgate/core'
import { connect } from 'node:net'

/** The longest that a client which has said everything may wait. */
const PATIENCE = 10_000

/** How long half a request may look like a whole one. Node drops a request that ends its side before it is read. */
const PAUSE = 30

/** Sends bytes, ends, and reads all that comes back. Undefined where the server neither answers nor closes. */
export function exchangeBytes(port: number, bytes: Uint8Array): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    let silent = false
    socket.setTimeout(PATIENCE, () => {
      silent = true
      socket.destroy()
    })
    const said = setTimeout(() => socket.end(), PAUSE)
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      socket.end()
    })
    socket.on('error', () => undefined) // a refused request may be cut while it is still sent
    socket.on('close', () => {
      clearTimeout(said)
      resolve(silent ? undefined : Buffer.concat(chunks).toString('latin1'))
    })
    socket.write(bytes)
  })
}

/** What is wrong with what came back. */
export function faultOf(answer: string | undefined): string | undefined {
  if (answer === undefined) return 'no answer, and the connection stays open'
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
  const failed = statuses.find((status) => status >= 500)
  if (failed === undefined) return undefined
  const codes = [...answer.matchAll(/"code":"([\w-]+)"/g)].map(([, code = '']) =>
    code.toLowerCase().replaceAll('_', '-'),
  )
  const declared = codes.some(
    (code) => (REFUSALS as Record<string, { status: number }>)[code]?.status === failed,
  )
  return declared ? undefined : `an undeclared ${failed}`
}
