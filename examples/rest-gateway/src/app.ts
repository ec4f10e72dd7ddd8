export const name = 'rest-gateway'
