export const name = 'graphql-gateway'
