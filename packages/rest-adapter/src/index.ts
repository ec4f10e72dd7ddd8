export { operation } from './operation.js'
export {
  type Contracted,
  OPERATION_DEFAULTS,
  type OperationDeclaration,
  type TagContext,
} from './declaration.js'
export { type KoaRouter, rest, type RestOptions } from './rest.js'
export { restGateway, type RestGatewayOptions } from './rest-gateway.js'
export type { FieldError } from './schema.js'
