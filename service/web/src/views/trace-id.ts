import { traceUrl } from "../config";
import { announce, element } from "./dom";

const FEEDBACK_MS = 1600;

/** Return a trace id, linked to its page where there is one, with a button that copies it. */
export function traceIdWithCopyButton(traceId: string): HTMLElement {
  const code = element("code", { class: "trace-id" }, traceId);
  const button = element("button", { type: "button", class: "copy", "aria-label": `Copy trace id ${traceId}` }, "Copy");
  button.addEventListener("click", async () => {
    const ok = await copyText(traceId, code);
    button.textContent = ok ? "Copied" : "Selected";
    announce(ok ? "Trace id copied." : "Trace id selected. Copy it with the keyboard.");
    setTimeout(() => {
      button.textContent = "Copy";
    }, FEEDBACK_MS);
  });
  const url = traceUrl(traceId);
  const link = { target: "_blank", rel: "noopener", "aria-label": `Open trace ${traceId}` };
  const shown = url === undefined ? code : element("a", { ...link, href: url }, code);
  return element("span", { class: "trace" }, shown, button);
}

/** Copy `text`, the content of `source`. False means that it is only selected. */
async function copyText(text: string, source: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages served over plain http have no clipboard API, and others may lack the permission.
    getSelection()?.selectAllChildren(source);
    return document.execCommand("copy");
  }
}
