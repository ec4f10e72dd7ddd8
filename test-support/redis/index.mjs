// @ts-check
/**
 * Real Redis servers, for tests and benchmarks: plain ES modules with JSDoc types, because a benchmark runs them on
 * Node 20 without a compiler.
 */
export { redisBinary } from './binary.mjs'
export { startRedis } from './server.mjs'
export { startCluster } from './cluster.mjs'
export { startSentinels } from './sentinel.mjs'
