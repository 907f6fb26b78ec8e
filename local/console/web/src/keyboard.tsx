// One table of shortcuts: pages register theirs, and ? shows them.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

interface Shortcut {
  keys: string[];
  label: string;
  run: () => void;
}

const shortcuts = signal<Shortcut[]>([]);
export const helpOpen = signal(false);

const OWN_KEYS = /^(Enter|Arrow)/;
const TYPING = "input, textarea, select, [contenteditable]";

/** Handle these keys while the component is shown, but not while somebody types or a dialog is open. */
export function useShortcuts(own: Shortcut[]): void {
  const current = useRef(own);
  current.current = own;
  useEffect(() => {
    const registered = own.map((each, index) => ({ ...each, run: () => current.current[index]?.run() }));
    shortcuts.value = [...shortcuts.value, ...registered];
    return () => void (shortcuts.value = shortcuts.value.filter((each) => !registered.includes(each)));
  }, []);
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const target = event.target as Element;
  if (document.querySelector("dialog[open]") || target.closest?.(TYPING)) return;
  // What has the focus has a use of its own for these; links have none for the arrows, nor for Enter where they lead here.
  const unused = event.key === "Enter" ? "body, main, a[aria-current=true]" : "body, main, a";
  if (OWN_KEYS.test(event.key) && !target.matches(unused)) return;
  const shortcut = event.key === "?" ? { run: () => (helpOpen.value = true) } : shortcuts.value.find((each) => each.keys.includes(event.key));
  if (!shortcut) return;
  event.preventDefault();
  shortcut.run();
});

const WAIT_MS = 10_000;

/** Focus an element, at once where it is there; else once it is, unless something else has got the focus. */
export function focusOnceDrawn(find: () => HTMLElement | null | undefined): void {
  const [from, address, end] = [document.activeElement, location.href, Date.now() + WAIT_MS];
  const wait = () => {
    const element = find();
    if (element) element.focus();
    else if (document.activeElement === from && location.href === address && Date.now() < end) requestAnimationFrame(wait);
  };
  wait();
}

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (helpOpen.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [helpOpen.value]);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (helpOpen.value = false)}>
      <h2 id="help-title">Keyboard</h2>
      <dl>
        {shortcuts.value.map(({ keys, label }) => (
          <div key={label}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{KEY_NAMES[key] ?? key}</kbd>
              ))}
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>Show this list</dd>
        </div>
      </dl>
      <button type="button" class="button" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}

const KEY_NAMES: Record<string, string> = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc", Enter: "Enter" };
