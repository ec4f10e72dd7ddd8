#!/usr/bin/env node
import { runHeadgate } from './run.js'

process.exitCode = runHeadgate(process.argv.slice(2), process.stdout, process.stderr)
