type Attributes = Readonly<Record<string, string | boolean>>;

/**
 * Return a new element. Children that are strings become text, never markup.
 *
 * An attribute that is `false` is left out. `style` is not for here: the content security policy forbids it.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** Return the element of index.html with this id. */
export function byId<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no element with the id ${id}`);
  return found as E;
}

/** Have a screen reader say `text`, and show it nowhere. */
export function announce(text: string): void {
  byId("announcer").textContent = text;
}
