export { ManualClock } from './manual-clock.js'
export { type ExchangeInit, literalExchange, type LiteralExchange } from './exchange.js'
