// A button that copies a text and says that it has.
import { useState } from "preact/hooks";
import { Icon } from "../icon";

const SHOWN_MS = 1500;

export function Copy({ text, label, children }: { text: string | (() => string); label: string; children?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    void navigator.clipboard.writeText(typeof text === "string" ? text : text()).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), SHOWN_MS);
    });
  return (
    <button type="button" class={children ? "button" : "icon-button"} onClick={copy} aria-label={children ? undefined : copied ? `Copied: ${label}` : label} title={label}>
      <Icon name={copied ? "check" : "copy"} />
      {children && copied ? "Copied" : children}
    </button>
  );
}
