// Takes the places to download from out of the lock file: whoever installs has a registry of their own. Contents stay
// pinned by their hashes. npm's own setting for this also drops the versions of what other systems need.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const file = join(import.meta.dirname, '..', 'package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8'))
for (const entry of Object.values(lock.packages)) delete entry.resolved
writeFileSync(file, JSON.stringify(lock, null, 2) + '\n')
