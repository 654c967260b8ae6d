import { token, type Tree } from '../api/client'
import { nameOf } from '../model'
import { follow, usePlace } from '../useAddress'
import { LANGUAGES, language, words, type Language } from '../words'
import classes from './Rail.module.css'

/** Where one can go: only what there is. */
export function Rail({ tree }: { tree: Tree | undefined }) {
  const { address, to } = usePlace()
  const nodes = (level: string) => (tree?.nodes ?? []).filter((node) => node.level === level)
  const link = (node: string, name: string) => (
    <li key={node}>
      <a href={to({ node })} onClick={follow} aria-current={address.node === node ? 'page' : undefined}>
        {name}
      </a>
    </li>
  )
  const sections = [
    { title: words.rail.platforms, nodes: nodes('platform') },
    { title: words.rail.teams, nodes: nodes('team') },
  ].filter((section) => section.nodes.length > 0)
  return (
    <nav className={classes.rail} aria-label={words.rail.label}>
      <a className={classes.brand} href={to({ node: 'group' })} onClick={follow}>
        <img src="/icon.svg" alt="" width="24" height="24" />
        {words.product}
      </a>
      <ul>{link('group', words.rail.overview)}</ul>
      {sections.map((section) => (
        <div key={section.title}>
          <h2>{section.title}</h2>
          <ul>{section.nodes.map((node) => link(node.node, nameOf(node)))}</ul>
        </div>
      ))}
      <div className={classes.foot}>
        <dl aria-label={words.rail.keysLabel}>
          <Key keys={['/']} does={words.rail.keys.search} />
          <Key keys={['g', 'o']} does={words.rail.keys.overview} />
          <Key keys={['t']} does={words.rail.keys.tables} />
        </dl>
        <p>
          <a href="/api/v1/openapi.json">{words.rail.api}</a> · <a href="/third-party-licences.txt">{words.rail.licences}</a>
        </p>
        <p className={classes.languages} aria-label={words.rail.languages} role="group">
          {(Object.keys(LANGUAGES) as Language[]).map((each) => (
            // Not followed within the page: words are chosen when it is loaded.
            <a key={each} href={to({ lang: each })} lang={each} hrefLang={each} aria-current={each === language ? 'true' : undefined}>
              {LANGUAGES[each]}
            </a>
          ))}
        </p>
        {token.get() && (
          <button
            type="button"
            className="quiet"
            onClick={() => {
              token.forget()
              window.location.reload()
            }}
          >
            {words.token.forget}
          </button>
        )}
      </div>
    </nav>
  )
}

function Key({ keys, does }: { keys: string[]; does: string }) {
  return (
    <div>
      <dt>
        {keys.map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{does}</dd>
    </div>
  )
}
