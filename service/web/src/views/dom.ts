type Attributes = Readonly<Record<string, string | boolean>>;

/**
 * Return a new element. Children that are strings become text, never markup.
 *
 * An attribute that is `false` is omitted. The content security policy forbids the attribute `style`.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** Return the element of index.html with this id. */
export function byId<E extends HTMLElement>(id: string): E {
  const node = document.getElementById(id);
  if (node === null) throw new Error(`index.html has no element with the id ${id}`);
  return node as E;
}

/** Announce `text` to screen readers only. */
export function announce(text: string): void {
  byId("announcer").textContent = text;
}
