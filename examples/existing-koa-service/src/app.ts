export const name = 'existing-koa-service'
