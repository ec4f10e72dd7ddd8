/** Applies a unified diff of one file. Throws where it does not fit. */
export function applyDiff(before: string, diff: string): string {
  const lines = before.split('\n')
  const after: string[] = []
  let next = 0
  for (const line of diff.trimEnd().split('\n').slice(2)) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@/.exec(line)
    if (hunk) {
      const start = Number(hunk[1]) - 1
      after.push(...lines.slice(next, start))
      next = start
    } else if (line.startsWith('+')) {
      after.push(line.slice(1))
    } else {
      if (lines[next] !== line.slice(1)) throw new Error(`Line ${next + 1} is not '${line.slice(1)}'`)
      if (line.startsWith(' ')) after.push(line.slice(1))
      next += 1
    }
  }
  return [...after, ...lines.slice(next)].join('\n')
}
