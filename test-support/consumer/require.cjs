// CommonJS users load the same modules: Node 20.19 requires ESM.
const { equal } = require('node:assert/strict')

equal(typeof require('@headgate/core').gate, 'function')
equal(typeof require('@headgate/core/testing').ManualClock, 'function')
equal(typeof require('@headgate/core/redis').redisStores, 'function')
equal(typeof require('@headgate/rest-adapter').operation, 'function')
equal(typeof require('@headgate/graphql-adapter').graphql, 'function')
