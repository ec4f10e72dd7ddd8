import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as sendRequest } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '../..')
const ADDRESS = 'http://127.0.0.1:3000'

interface Step {
  readonly command: string
  /** The lines the README shows of the answer; `…` stands for anything. */
  readonly shown: readonly string[]
}

/** Every command of the README's console blocks, in order. */
function transcript(): Step[] {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  return [...text.matchAll(/^```console\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...shown] = step.trimEnd().split('\n')
        return { command, shown }
      }),
  )
}

/** Splits a command as a shell does: quotes, and `$TOKEN` in double quotes. */
function words(command: string, token: string): string[] {
  const found = command.matchAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|(\S+)/g)
  return [...found].map(
    ([, single, double, bare]) => single ?? double?.replaceAll('$TOKEN', token) ?? bare ?? '',
  )
}

/** Does what curl does with the few options the README uses, so that the test needs no curl. */
async function curl(
  command: string,
  base: string,
  token: string,
): Promise<{ lines: string[]; body: string }> {
  const [, ...rest] = words(command, token)
  const headers: Record<string, string> = {}
  let method: string | undefined
  let body: string | undefined
  let url = ''
  while (rest.length > 0) {
    const word = rest.shift() ?? ''
    if (word === '-X') method = rest.shift()
    else if (word === '-d') body = rest.shift()
    else if (word === '-H') {
      const [name = '', ...value] = (rest.shift() ?? '').split(': ')
      headers[name] = value.join(': ')
    } else if (!word.startsWith('-')) url = word.replace(ADDRESS, base)
  }
  const request = sendRequest(url, { method: method ?? (body === undefined ? 'GET' : 'POST'), headers })
  request.end(body)
  const [response] = await once(request, 'response')
  let text = ''
  for await (const chunk of response) text += String(chunk)
  const raw: readonly string[] = response.rawHeaders
  const fields = raw.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${raw[index + 1]}`] : []))
  return { lines: [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`, ...fields, text], body: text }
}

/** A shown line as an expression: everything literally but `…`. */
function pattern(shown: string): RegExp {
  return new RegExp(
    `^${shown
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  )
}

describe('the README', () => {
  let gateway: ChildProcess
  let base = ''
  beforeAll(async () => {
    gateway = spawn(process.execPath, [join(root, 'examples/unified-gateway/dist/server.js')], {
      env: { ...process.env, PORT: '0', HOST: '127.0.0.1', NODE_ENV: 'development' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (gateway.stdout === null) throw new Error('the gateway has no output')
    for await (const line of createInterface(gateway.stdout)) {
      base = /^Listening on (\S+)/.exec(line)?.[1] ?? ''
      if (base !== '') break
    }
  })
  afterAll(async () => {
    const exited = once(gateway, 'exit')
    gateway.kill('SIGTERM')
    await exited
  })

  test('shows what the gateway really answers', async () => {
    let token = ''
    const steps = transcript()
    expect(steps.length).toBeGreaterThan(8)
    for (const { command, shown } of steps) {
      const inner = /^TOKEN=\$\((.*?) \|/.exec(command)?.[1]
      const { lines, body } = await curl(inner ?? command, base, token)
      if (inner !== undefined) token = (JSON.parse(body) as { access_token: string }).access_token
      for (const line of shown) {
        const matched = lines.some((actual) => pattern(line).test(actual))
        expect({ command, line: matched ? line : undefined, lines }).toEqual({ command, line, lines })
      }
    }
  })
})
