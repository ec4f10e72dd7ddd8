/** Something to try, and the command to paste into a shell. */
export interface Step {
  readonly why: string
  readonly command: string
}

/** What to try first with the gateway at `url`. */
export function firstSteps(url: string): readonly Step[] {
  const send = `-H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json'`
  return [
    {
      why: 'A token for Ada, who may do everything:',
      command: `TOKEN=$(curl -s ${url}/dev/token -H 'Content-Type: application/json' \\
  -d '{"sub":"ada","scope":"items:read items:write users:read"}' \\
  | node -pe 'JSON.parse(fs.readFileSync(0)).access_token')`,
    },
    {
      why: 'Create an item. Once more, and the answer is replayed: no second item is made.',
      command: `curl -i ${url}/items ${send} \\
  -H 'Idempotency-Key: first-chair' -d '{"name":"Chair","price":120}'`,
    },
    {
      why: 'The same data over GraphQL. Once more, and Cache-Status says hit.',
      command: `curl -i ${url}/graphql ${send} \\
  -d '{"query":"{ items { id name price } }"}'`,
    },
    {
      why: 'A REST write purges what GraphQL answered from: after this the query is a miss.',
      command: `curl -i -X PATCH ${url}/items/item-1 ${send} \\
  -d '{"price":35}'`,
    },
    {
      why: 'One budget for both protocols, 100 at once. A valuation costs 50: the last one is 429.',
      command: `for i in 1 2 3; do curl -s -o /dev/null -w '%{http_code}\\n' ${url}/items/valuation \\
  -H "Authorization: Bearer $TOKEN"; done`,
    },
  ]
}

/** The steps as text for a terminal. */
export function printSteps(steps: readonly Step[]): string {
  return steps.map(({ why, command }) => `${why}\n\n${command}\n`).join('\n')
}
