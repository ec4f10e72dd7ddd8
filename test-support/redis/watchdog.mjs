// @ts-check
/// <reference types="node" />
import { spawn } from 'node:child_process'

/**
 * A shell that holds the read end of a pipe to this process. When this process ends, in whatever way (also by
 * SIGKILL), the pipe ends, and the shell kills the servers that are still on its list and removes their folders. An
 * `exit` handler would run in none of those cases, and not inside a test runner's sandbox either.
 */
const SHELL = `
servers=
while read -r verb pid folder; do
  case $verb in
    add) servers="$servers $pid:$folder" ;;
    drop) kept=; for server in $servers; do [ "\${server%%:*}" = "$pid" ] || kept="$kept $server"; done
      servers=$kept ;;
  esac
done
for server in $servers; do kill -9 "\${server%%:*}" 2>/dev/null; done
for server in $servers; do rm -rf "\${server#*:}"; done
`

/** @type {import('node:child_process').ChildProcessByStdio<import('node:stream').Writable, null, null> | undefined} */
let shell

/** @type {Set<number>} */
const watched = new Set()

/**
 * Lets a server end with this process.
 *
 * @param {number} pid
 * @param {string} folder removed with it; without spaces.
 */
export function watch(pid, folder) {
  shell ??= startShell()
  watched.add(pid)
  shell.stdin.write(`add ${pid} ${folder}\n`)
}

/**
 * A server that has ended: its number may soon be another process's.
 *
 * @param {number} pid
 */
export function unwatch(pid) {
  if (!watched.delete(pid) || shell === undefined) return
  shell.stdin.write(`drop ${pid} -\n`)
  if (watched.size > 0) return
  shell.stdin.end()
  shell = undefined
}

function startShell() {
  // Its own process group: Ctrl-C must not reach it before this process has ended.
  const child = spawn('/bin/sh', ['-c', SHELL], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  child.unref()
  const stdin = /** @type {import('node:net').Socket} */ (child.stdin)
  stdin.unref()
  stdin.on('error', () => undefined)
  return child
}
