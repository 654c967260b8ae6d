// Writes the licences of everything the page ships to public/third-party-licences.txt, from the lock file and what is
// installed. With `--check` it only says whether the file is as it should be.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const FILE = join(ROOT, 'public', 'third-party-licences.txt')
const ALLOWED = ['MIT', 'ISC', '0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'OFL-1.1', 'MIT OR CC0-1.0', '(MIT OR CC0-1.0)']

export function licences() {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  const shipped = Object.entries(lock.packages).filter(([path, entry]) => path && !entry.dev && !entry.optional && existsSync(join(ROOT, path)))
  const parts = shipped.map(([path]) => {
    const folder = join(ROOT, path)
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    if (!ALLOWED.includes(license)) throw new Error(`${name} is under ${license}, which nobody has allowed yet`)
    const files = readdirSync(folder, { withFileTypes: true })
      .filter((file) => file.isFile() && /^(licen[cs]e|notice)/i.test(file.name))
      .map((file) => file.name)
      .sort()
    const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim())
    return [`${name} ${version} (${license})`, ...texts].join('\n\n')
  })
  const head = 'The page of Leadline contains the following software, under the licences printed with each.'
  return [head, ...parts].join(`\n\n${'-'.repeat(78)}\n\n`).replaceAll('\r\n', '\n').replace(/[ \t]+$/gm, '') + '\n'
}

if (process.argv[1] === import.meta.filename) {
  const text = licences()
  if (!process.argv.includes('--check')) writeFileSync(FILE, text)
  else if (!existsSync(FILE) || readFileSync(FILE, 'utf8') !== text) {
    console.error('public/third-party-licences.txt is stale: run `npm run generate`')
    process.exit(1)
  }
}
