import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const SERVER = fileURLToPath(new URL('../dist/server.js', import.meta.url))

/** The built server in a process of its own, as `npm start` runs it. */
export interface ServerProcess {
  readonly child: ChildProcess
  /** Resolves with the first line, from now on or before, that `pattern` matches. */
  line(pattern: RegExp): Promise<RegExpExecArray>
  /** All lines it printed so far. */
  readonly output: readonly string[]
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>
  stop(): Promise<void>
}

/** Starts the server on a free port. */
export function spawnServer(environment: Readonly<Record<string, string>> = {}): ServerProcess {
  if (!existsSync(SERVER)) throw new Error('The server is not built; run `npm run build` first.')
  const child = spawn(process.execPath, [SERVER], {
    env: { PATH: process.env['PATH'], PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: string[] = []
  const waiting = new Set<() => void>()
  const read = (line: string): void => {
    output.push(line)
    for (const look of waiting) look()
  }
  createInterface({ input: child.stdout }).on('line', read)
  createInterface({ input: child.stderr }).on('line', read)
  const exited = once(child, 'close').then(([code]) => code as number | null)

  return {
    child,
    output,
    exited,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = output.map((line) => pattern.exec(line)).find((match) => match !== null)
          if (found) resolve(found)
        }
        waiting.add(look)
        look()
        void exited.then(() =>
          reject(new Error(`It ended without ${String(pattern)}:\n${output.join('\n')}`)),
        )
      }),
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
