import { announce, element } from "./dom";

const SHOWN_MS = 1600;

/** Return a trace id in a monospaced font with the button that copies it. */
export function traceIdWithCopy(traceId: string): HTMLElement {
  const code = element("code", { class: "trace-id" }, traceId);
  const button = element("button", { type: "button", class: "copy", "aria-label": `Copy trace id ${traceId}` }, "Copy");
  button.addEventListener("click", async () => {
    const copied = await copyText(traceId, code);
    button.textContent = copied ? "Copied" : "Selected";
    announce(copied ? "Trace id copied." : "The trace id is selected: copy it with the keyboard.");
    setTimeout(() => {
      button.textContent = "Copy";
    }, SHOWN_MS);
  });
  return element("span", { class: "trace" }, code, button);
}

/** Copy `text`, which `shown` displays. False means that it is selected, and no more. */
async function copyText(text: string, shown: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page served over plain http has no clipboard, or may not write to it; the old command does what it can.
    getSelection()?.selectAllChildren(shown);
    return document.execCommand("copy");
  }
}
