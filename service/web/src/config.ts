/** Return the content of the page's `<meta name="…">`, which the server may have filled in; empty where there is none. */
export function meta(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content.trim() ?? "";
}

/** Return the origin and path that API paths follow: the page's own origin unless the page names a back end. */
export function backendUrl(): string {
  return (meta("backend-url") || location.origin).replace(/\/+$/, "");
}
