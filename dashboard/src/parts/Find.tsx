import { Modal } from '@mantine/core'
import { useId, useState, type KeyboardEvent } from 'react'
import type { Tree } from '../api/client'
import { nameOf, pathTo, search } from '../model'
import { go, usePlace } from '../useAddress'
import { words } from '../words'
import classes from './Find.module.css'

/** Goes to a node by its name. */
export function Find({ tree, opened, onClose }: { tree: Tree; opened: boolean; onClose: () => void }) {
  return (
    <Modal.Root opened={opened} onClose={onClose} size={560} yOffset={96} lockScroll={false} transitionProps={{ duration: 100 }} classNames={{ overlay: classes.overlay, content: classes.box }}>
      <Modal.Overlay />
      <Modal.Content aria-label={words.find.title}>
        <Body tree={tree} onClose={onClose} />
      </Modal.Content>
    </Modal.Root>
  )
}

function Body({ tree, onClose }: { tree: Tree; onClose: () => void }) {
  const { to } = usePlace()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const id = useId()
  const found = search(tree, text)
  const choose = (index: number) => {
    const node = found[index]
    if (!node) return
    onClose()
    go(to({ node: node.node }))
  }
  const keys = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (move && found.length > 0) {
      event.preventDefault()
      setAt((at + move + found.length) % found.length)
    } else if (event.key === 'Enter') {
      event.preventDefault()
      choose(at)
    }
  }
  return (
    <>
      <input
        data-autofocus
        className={classes.input}
        role="combobox"
        aria-label={words.find.title}
        aria-expanded={found.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={found[at] ? `${id}-${at}` : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder={words.find.placeholder}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={keys}
      />
      <ul className={classes.list} id={`${id}-list`} role="listbox" aria-label={words.find.title}>
        {found.map((node, index) => (
          <li
            key={node.node}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            onMouseMove={() => setAt(index)}
            onClick={() => choose(index)}
          >
            <span className={classes.name}>{nameOf(node)}</span>
            <span className={classes.level}>{words.level[node.level]}</span>
            <span className={classes.path}>
              {pathTo(tree, node.node)
                .slice(1, -1)
                .map((each) => each.name)
                .join(' / ')}
            </span>
          </li>
        ))}
      </ul>
      <p className={classes.count} aria-live="polite">
        {found.length === 0 ? words.find.none(text) : words.find.count(found.length)}
      </p>
    </>
  )
}
