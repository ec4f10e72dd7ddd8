import { expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { poll } from '../../redis/poll.mjs'
import { sendCommand } from '../../redis/resp.mjs'
import { describeRedis, useCluster, useRedis, useSentinels } from '../../redis/use-redis.js'

describeRedis('a redis server for tests', () => {
  const redis = useRedis()

  test('answers commands, and says what is wrong with one', async () => {
    expect(await redis().command('SET', 'drink', 'café')).toBe('OK')
    expect(await redis().command('GET', 'drink')).toBe('café')
    expect(await redis().command('GET', 'food')).toBeNull()
    expect(await redis().command('EVAL', 'return { 1, { "a" } }', 0)).toEqual([1, ['a']])
    await expect(redis().command('NONSENSE')).rejects.toThrow('ERR unknown command')
  })

  test('restarts on its port with its data or without', async () => {
    await redis().command('SET', 'kept', '1')
    await redis().restart({ keepData: true })
    expect(await redis().command('GET', 'kept')).toBe('1')
    await redis().restart()
    expect(await redis().command('GET', 'kept')).toBeNull()
  })

  test('hangs and goes on', async () => {
    redis().pause()
    const reply = redis().command('PING')
    const first = await Promise.race([reply, new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))])
    redis().resume()
    expect(first).toBe('nothing')
    expect(await reply).toBe('PONG')
  })

  test('is gone when it is killed', async () => {
    await redis().kill()
    await expect(redis().command('PING')).rejects.toThrow('ECONNREFUSED')
    await redis().restart()
    expect(await redis().command('PING')).toBe('PONG')
  })

  test('ends with the process that started it, however that ends', async () => {
    const harness = join(import.meta.dirname, '../../redis/index.mjs')
    const script = `
      const { startRedis } = await import(${JSON.stringify(harness)})
      const server = await startRedis()
      const [, folder] = await server.command('CONFIG', 'GET', 'dir')
      process.stdout.write(server.port + ' ' + folder)
      server.pause()
      process.kill(process.pid, 'SIGKILL')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await once(child, 'close')
    const [port, folder = ''] = said.split(' ')
    expect(Number(port)).toBeGreaterThan(0)
    await poll('the end of the server', () =>
      sendCommand(Number(port), ['PING']).then(
        () => false,
        () => !existsSync(folder),
      ),
    )
  })
})

describeRedis('a redis cluster for tests', () => {
  const cluster = useCluster()

  test('shares the slots between three masters', async () => {
    const replies = await Promise.all(
      cluster().nodes.map((node) =>
        node.command('SET', 'key', 'value').catch((error: Error) => error.message),
      ),
    )
    // The slot of 'key' is 12539.
    expect(replies).toEqual([
      expect.stringMatching(/^MOVED 12539/),
      expect.stringMatching(/^MOVED 12539/),
      'OK',
    ])
  })
})

describeRedis('redis sentinels for tests', () => {
  const redis = useSentinels()

  test('name the master, and another one when it is dead', async () => {
    const { name, master, replica, sentinels } = redis()
    const named = () => sentinels[0]?.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)
    expect(await named()).toEqual(['127.0.0.1', String(master.port)])
    await master.kill()
    await poll('the failover', async () => String(await named()).endsWith(`,${replica.port}`))
    await poll('the new master', async () => String(await replica.command('ROLE')).startsWith('master'))
  }, 30_000)
})
