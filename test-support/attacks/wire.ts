import { connect } from 'node:net'

/** A request as an attacker writes it: field lines in any number and spelling. */
export interface Sent {
  readonly method: string
  readonly target: string
  readonly fields?: readonly (readonly [name: string, value: string])[]
  readonly body?: string | Buffer
}

/** What came back. */
export interface Got {
  readonly status: number
  /** Lower-cased names; repeated lines are joined by a line break. */
  readonly fields: Readonly<Record<string, string>>
  readonly text: string
}

/** How long a server may leave a whole request unanswered before a test fails, in milliseconds. */
const PATIENCE = 15_000

/** The bytes of a request. Its body has the length that is announced, unless the fields say something else. */
export function bytesOf({ method, target, fields = [], body }: Sent, last = true): Buffer {
  const has = (name: string): boolean => fields.some(([given]) => given.toLowerCase() === name)
  const framed = has('content-length') || has('transfer-encoding')
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(has('host') ? [] : ['Host: api.example']),
    ...fields.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined || framed ? [] : [`Content-Length: ${Buffer.byteLength(body, 'latin1')}`]),
    ...(last ? ['Connection: close'] : []),
  ]
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return body === undefined ? head : Buffer.concat([head, Buffer.from(body as string, 'latin1')])
}

/** Writes bytes to a port and reads until the server closes. */
export function exchange(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(PATIENCE, () => {
      reject(new Error('the server left the request unanswered'))
      socket.destroy()
    })
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => undefined) // a refused request may be cut while it is still sent
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
    socket.write(bytes)
  })
}

/** Sends one request. */
export async function send(port: number, sent: Sent): Promise<Got> {
  return answersIn(await exchange(port, bytesOf(sent)))[0] ?? { status: 0, fields: {}, text: '' }
}

/** Sends requests in one write over one connection. The server may close after any of them. */
export async function pipeline(port: number, requests: readonly Sent[]): Promise<readonly Got[]> {
  const bytes = requests.map((sent, index) => bytesOf(sent, index === requests.length - 1))
  return answersIn(await exchange(port, Buffer.concat(bytes)))
}

/** Takes answers apart, each by its `Content-Length`; one without it takes the rest. */
export function answersIn(stream: string): readonly Got[] {
  const answers: Got[] = []
  let rest = stream
  while (rest.startsWith('HTTP/1.1 ')) {
    const end = rest.indexOf('\r\n\r\n')
    if (end === -1) break
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n')
    const fields: Record<string, string> = Object.create(null) as Record<string, string>
    for (const line of lines) {
      const colon = line.indexOf(':')
      const name = line.slice(0, colon).toLowerCase()
      const value = line.slice(colon + 1).trim()
      fields[name] = fields[name] === undefined ? value : `${fields[name]}\n${value}`
    }
    const length = fields['content-length'] === undefined ? rest.length : Number(fields['content-length'])
    const text = rest.slice(end + 4, end + 4 + length)
    const status = Number(statusLine.slice(9, 12))
    rest = rest.slice(end + 4 + (status === 100 ? 0 : length))
    if (status !== 100) answers.push({ status, fields, text })
  }
  return answers
}

/** The refusal's code, in whichever protocol's shape. */
export function codeOf({ text }: Got): string | undefined {
  return /"code":"([\w-]+)"/.exec(text)?.[1]?.toLowerCase().replaceAll('_', '-')
}
