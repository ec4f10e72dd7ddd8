import { expect, test } from '@jest/globals'
import { assignment, curl, isAmong, startExample, transcriptOf } from '../transcript.js'

test.each([
  ['README.md', 'unified-gateway', 12],
  ['examples/rest-gateway/README.md', 'rest-gateway', 4],
  ['examples/graphql-gateway/README.md', 'graphql-gateway', 4],
  ['examples/existing-koa-service/README.md', 'existing-koa-service', 6],
])('%s shows what its server really says', async (page, example, fewest) => {
  const steps = transcriptOf(page)
  expect(steps.length).toBeGreaterThanOrEqual(fewest)
  const start = steps.find(({ command }) => command === `node examples/${example}/dist/server.js`)
  const server = await startExample(example, start?.shown.length ?? 1)
  try {
    const key = server.output.map((line) => /^X-API-Key: (\S+)$/.exec(line)?.[1]).find(Boolean)
    const variables: Record<string, string> = { KEY: key ?? '' }
    for (const { command, shown } of steps) {
      const kept = assignment(command)
      const { lines, body } =
        command === start?.command
          ? { lines: server.output, body: '' }
          : await curl(kept?.command ?? command, server.url, variables)
      if (kept !== undefined) {
        variables[kept.name] = (JSON.parse(body) as Record<string, string>)[kept.member] ?? ''
      }
      expect({ command, missing: shown.filter((line) => !isAmong(line, lines)), lines }).toEqual({
        command,
        missing: [],
        lines,
      })
    }
  } finally {
    await server.stop()
  }
})
