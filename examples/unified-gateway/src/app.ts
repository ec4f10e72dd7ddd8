export const name = 'unified-gateway'
