import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const run = (script: string, ...rest: string[]) => execFileSync(process.execPath, [join(root, script), ...rest], { cwd: root, encoding: 'utf8' })

describe('generated files', () => {
  it('the client is that of docs/openapi.json; else run `npm run generate`', () => {
    const made = run('node_modules/openapi-typescript/bin/cli.js', '../docs/openapi.json')
    expect(readFileSync(join(root, 'src/api/schema.ts'), 'utf8').trim() === made.trim()).toBe(true)
  }, 60_000)

  it('the licences are those of what is shipped; else run `npm run generate`', () => {
    expect(() => run('scripts/licences.mjs', '--check')).not.toThrow()
  })

  it('the lock file names no place to download from', () => {
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"|https?:\/\/registry/)
  })
})

describe('the built page', () => {
  const files = (() => {
    const assets = join(root, 'dist/assets')
    if (!existsSync(assets)) throw new Error('the page is not built: run `npm run build` first')
    return readdirSync(assets).map((name) => ({ name, bytes: readFileSync(join(assets, name)) }))
  })()
  const zipped = (kind: RegExp) => files.filter((file) => kind.test(file.name)).reduce((sum, file) => sum + gzipSync(file.bytes).length, 0) / 1024

  it('stays within its budget', () => {
    expect(zipped(/\.js$/), 'KB of JavaScript, compressed').toBeLessThan(350)
    expect(zipped(/\.css$/), 'KB of style sheets, compressed').toBeLessThan(24)
  })

  it('asks no other server for anything', () => {
    const page = readFileSync(join(root, 'dist/index.html'), 'utf8')
    expect(page).not.toMatch(/(src|href)="https?:/)
    expect(page).not.toMatch(/<script(?![^>]*src=)/)
    for (const file of files.filter((each) => each.name.endsWith('.css'))) {
      expect(file.bytes.toString()).not.toMatch(/url\(["']?https?:/)
    }
  })
})
