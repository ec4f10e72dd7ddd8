import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from '@jest/globals'
import { firstSteps, printSteps } from '../src/first-steps.js'
import { clientOf } from './client.js'
import { type ServerProcess, spawnServer } from './process.js'

const BODY = JSON.stringify({ name: 'Chair', price: 120 })
const hasCurl = spawnSync('curl', ['--version']).status === 0

const processes: ServerProcess[] = []

afterEach(async () => {
  await Promise.all(processes.splice(0).map((server) => server.stop()))
})

function serverProcess(environment?: Readonly<Record<string, string>>): ServerProcess {
  const server = spawnServer(environment)
  processes.push(server)
  return server
}

async function urlOf(server: ServerProcess): Promise<string> {
  return (await server.line(/^Listening on (\S+)$/))[1] ?? ''
}

/** A POST whose head the server has and whose body it waits for. */
async function halfARequest(url: string): Promise<ClientRequest> {
  const token = await clientOf(url).token('ada')
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': BODY.length,
    expect: '100-continue',
  }
  const half = request(`${url}/items`, { method: 'POST', headers })
  half.on('error', () => undefined)
  half.flushHeaders()
  await once(half, 'continue')
  return half
}

describe('the server process', () => {
  test('on SIGTERM finishes what is in flight, closes what is idle, and exits with 0', async () => {
    const server = serverProcess()
    const url = await urlOf(server)
    const idle = connect(Number(new URL(url).port), '127.0.0.1')
    idle.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(String(await once(idle, 'data'))).toContain('200 OK')
    const half = await halfARequest(url)
    const answered = once(half, 'response') as Promise<[IncomingMessage]>

    server.child.kill('SIGTERM')
    await server.line(/^SIGTERM: /)
    await once(idle.resume(), 'close')
    half.end(BODY)

    const [response] = await answered
    expect(response.statusCode).toBe(201)
    expect(response.headers.connection).toBe('close')
    expect(JSON.parse(await text(response))).toMatchObject({ name: 'Chair' })
    expect(await server.exited).toBe(0)
  })

  test('on a second signal stops at once', async () => {
    const server = serverProcess()
    await halfARequest(await urlOf(server))
    server.child.kill('SIGINT')
    await server.line(/^SIGINT: /)
    server.child.kill('SIGTERM')
    expect(await server.exited).toBe(128 + 15)
  })

  test.each([
    ['in production', { NODE_ENV: 'production' }],
    ['for other machines', { HOST: '0.0.0.0' }],
  ])('%s does not start without an issuer, and says what is missing', async (_where, environment) => {
    const server = serverProcess({ ...environment, ISSUER: 'https://issuer.example' })
    expect(await server.exited).toBe(1)
    expect(server.output).toEqual([
      'The gateway did not start: AUDIENCE, JWKS_URL must be set; only development on this machine goes without',
    ])
  })

  test('in production gives tokens to nobody', async () => {
    const server = serverProcess({
      NODE_ENV: 'production',
      ISSUER: 'https://issuer.example',
      AUDIENCE: 'inventory',
      JWKS_URL: 'https://issuer.example/jwks.json',
    })
    const { send } = clientOf(await urlOf(server))
    expect((await send('POST', '/dev/token', { json: { sub: 'ada', scope: '' } })).status).toBe(401)
    expect((await send('GET', '/readyz')).status).toBe(200)
  })
})

describe('the first steps', () => {
  test('stand in the README', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    for (const { why, command } of firstSteps('http://127.0.0.1:3000')) {
      expect(readme).toContain(`${why}\n\n\`\`\`sh\n${command}\n\`\`\`\n`)
    }
  })

  const testWithCurl = hasCurl ? test : test.skip
  testWithCurl('do what they say when they are pasted, one after the other', async () => {
    const server = serverProcess()
    const steps = firstSteps(await urlOf(server))
    await server.line(/done$/)
    expect(server.output.join('\n')).toContain(printSteps(steps).trim())

    const [token, create, query, patch, valuations] = steps.map(({ command }) => command)
    const script = [token, create, create, query, query, patch, query, valuations].join('\necho\n')
    const { stdout } = await promisify(execFile)('sh', ['-c', script])
    const came = outcomes(stdout)
    expect(came.slice(0, 6)).toEqual(['201', '201 replayed', '200 miss', '200 hit', '200', '200 miss'])
    expect(came.at(-1)).toBe('429')
  })
})

/** What came back, answer by answer, told from what curl prints. */
function outcomes(printed: string): string[] {
  const answers = printed.split(/^(?=HTTP\/1\.1 )|^(?=\d{3}$)/m).filter((answer) => answer.trim() !== '')
  return answers.map((answer) => {
    const status = /\d{3}/.exec(answer.replace('HTTP/1.1', ''))?.[0] ?? ''
    if (/^idempotent-replayed: true/im.test(answer)) return `${status} replayed`
    if (/^cache-status: .*hit/im.test(answer)) return `${status} hit`
    return /^cache-status: .*fwd=uri-miss/im.test(answer) ? `${status} miss` : status
  })
}
