import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as sendRequest } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const ROOT = join(import.meta.dirname, '..')
/** Where a page says that its server listens. */
const ADDRESS = 'http://127.0.0.1:3000'

/** A command that a page shows, and what it shows of the answer. */
export interface Step {
  readonly command: string
  /** `…` stands for anything. */
  readonly shown: readonly string[]
}

/** Every command of a page's console blocks, in order. */
export function transcriptOf(page: string): readonly Step[] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  return [...text.matchAll(/^```console\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...shown] = step
          .trimEnd()
          .replaceAll(/\\\n\s*/g, '')
          .split('\n')
        return { command, shown }
      }),
  )
}

/** An example's server, in a process of its own. */
export interface ExampleServer {
  /** Where it listens. */
  readonly url: string
  /** What it has printed, with the address that the pages say. */
  readonly output: readonly string[]
  stop(): Promise<void>
}

/** Starts the built server of an example on a free port, and waits until it has printed so many lines. */
export async function startExample(name: string, lines: number): Promise<ExampleServer> {
  const server: ChildProcess = spawn(process.execPath, [join(ROOT, `examples/${name}/dist/server.js`)], {
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', NODE_ENV: 'development' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (server.stdout === null) throw new Error('the server has no output')
  const output: string[] = []
  let url = ''
  for await (const line of createInterface(server.stdout)) {
    url ||= /^Listening on (http:\/\/[\d.:]+)/.exec(line)?.[1] ?? ''
    output.push(url === '' ? line : line.replaceAll(url, ADDRESS))
    if (url !== '' && output.length >= lines) break
  }
  return {
    url,
    output,
    async stop() {
      const exited = once(server, 'exit')
      server.kill('SIGTERM')
      await exited
    },
  }
}

/** The lines of an answer, and its content. */
export interface Answered {
  readonly lines: readonly string[]
  readonly body: string
}

/**
 * Does what curl does with the few options that the pages use, so that the test needs no curl.
 *
 * @param variables what stands for `$TOKEN` and the like.
 */
export async function curl(
  command: string,
  url: string,
  variables: Readonly<Record<string, string>>,
): Promise<Answered> {
  const [, ...rest] = words(command, variables)
  const headers: Record<string, string> = {}
  let method: string | undefined
  let body: string | undefined
  let target = ''
  while (rest.length > 0) {
    const word = rest.shift() ?? ''
    if (word === '-X') method = rest.shift()
    else if (word === '-d') body = rest.shift()
    else if (word === '-H') {
      const [name = '', ...value] = (rest.shift() ?? '').split(': ')
      headers[name] = value.join(': ')
    } else if (!word.startsWith('-')) target = word.replace(ADDRESS, url)
  }
  const request = sendRequest(target, { method: method ?? (body === undefined ? 'GET' : 'POST'), headers })
  request.end(body)
  const [response] = await once(request, 'response')
  let text = ''
  for await (const chunk of response) text += String(chunk)
  const raw: readonly string[] = response.rawHeaders
  const fields = raw.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${raw[index + 1]}`] : []))
  return { lines: [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`, ...fields, text], body: text }
}

/** `NAME=$(curl ... | node -pe 'JSON.parse(fs.readFileSync(0)).member')`: what is kept, and where it stands. */
export function assignment(
  command: string,
): { readonly name: string; readonly command: string; readonly member: string } | undefined {
  const [, name, inner, member] = /^([A-Z]+)=\$\((curl .*?) \| node -pe '.*\.(\w+)'\)$/.exec(command) ?? []
  if (name === undefined || inner === undefined || member === undefined) return undefined
  return { name, command: inner, member }
}

/** Whether a shown line is one of these. */
export function isAmong(shown: string, lines: readonly string[]): boolean {
  const parts = shown.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const pattern = new RegExp(`^${parts.join('.*')}$`)
  return lines.some((line) => pattern.test(line))
}

/** Splits a command as a shell does: quotes, and variables out of single ones. */
function words(command: string, variables: Readonly<Record<string, string>>): string[] {
  const expand = (text: string): string =>
    text.replaceAll(/\$([A-Z]+)/g, (_whole, name: string) => variables[name] ?? '')
  const found = command.matchAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|(\S+)/g)
  return [...found].map(([, single, double, bare]) => single ?? expand(double ?? bare ?? ''))
}
