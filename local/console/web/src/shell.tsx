// The frame of all pages: the navigation, the theme, and one place for messages to screen readers.
import { useEffect } from "preact/hooks";
import { deployment, loadDeployment } from "./deployment";
import { Icon } from "./icon";
import { helpOpen, Help } from "./keyboard";
import { follow, page, type Page } from "./router";
import { SinksPage } from "./sinks/page";
import { StackPage } from "./stack/page";
import { nextTheme, theme } from "./theme";
import { TracesPage } from "./traces/page";

const PAGES: Record<Page, { label: string; view: () => preact.JSX.Element }> = {
  traces: { label: "Traces", view: TracesPage },
  stack: { label: "Stack", view: StackPage },
  sinks: { label: "Sinks", view: SinksPage },
};

export function Shell() {
  useEffect(() => void loadDeployment(), []);
  const { label, view: View } = PAGES[page.value];
  document.title = `${label} · ${deployment.value.name ?? "OneTrace"}`;
  return (
    <div class="shell" onClick={follow}>
      <a class="skip" href="#main" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the page
      </a>
      <Bar />
      <main id="main" tabIndex={-1}>
        <View />
      </main>
      <Help />
    </div>
  );
}

function Bar() {
  const { name, url, environment } = deployment.value;
  return (
    <header class="bar">
      <a class="brand" href="/traces" aria-label="OneTrace: all traces">
        <Icon name="logo" />
        <span>OneTrace</span>
      </a>
      <nav aria-label="Pages">
        {(Object.keys(PAGES) as Page[]).map((each) => (
          <a key={each} href={`/${each}`} aria-current={page.value === each ? "page" : undefined}>
            {PAGES[each].label}
          </a>
        ))}
      </nav>
      <span class="bar-space" />
      {name && (
        <a class="deployed" href={url} target="_blank" rel="noreferrer" title={`Open ${url ?? ""}`}>
          <b>{name}</b> <span>{environment}</span>
        </a>
      )}
      <button type="button" class="icon-button" onClick={nextTheme} aria-label={`Theme: ${theme.value}`} title={`Theme: ${theme.value}`}>
        <Icon name={theme.value === "dark" ? "moon" : theme.value === "light" ? "sun" : "auto"} />
      </button>
      <button type="button" class="icon-button" onClick={() => (helpOpen.value = true)} aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">
        <Icon name="keyboard" />
      </button>
    </header>
  );
}
