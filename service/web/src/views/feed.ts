import { hashOf } from "../routes";
import { element } from "./dom";
import { relativeTime } from "./relative-time";

/** One activity, as the API returns it. */
export interface Activity {
  readonly uuid: string;
  readonly handle: string;
  readonly message: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly likes_count: number;
  readonly replies_count: number;
  readonly reposts_count: number;
  readonly replies: readonly Activity[];
}

const AVATAR_COLOURS = 6;
const PLACEHOLDERS = 3;

/** Return the list of `activities` with their replies. */
export function feed(activities: readonly Activity[]): HTMLElement {
  return element("ol", { class: "feed" }, ...activities.map((activity) => element("li", {}, card(activity))));
}

/** Return placeholders to show while activities load, hidden from screen readers, which read the status line. */
export function feedPlaceholders(): HTMLElement {
  const item = (): HTMLElement => element("li", { class: "placeholder" }, element("span"), element("span"));
  return element("ol", { class: "feed", "aria-hidden": "true" }, ...Array.from({ length: PLACEHOLDERS }, item));
}

function card(activity: Activity): HTMLElement {
  const message = element("p", { class: "message" }, activity.message);
  const body = element("div", { class: "body" }, byline(activity), message);
  const facts = factsOf(activity).map((fact) => element("span", {}, fact));
  if (facts.length > 0) body.append(element("p", { class: "facts" }, ...facts));
  if (activity.replies.length > 0) body.append(replyList(activity));
  return element("article", { class: "activity" }, avatar(activity.handle), body);
}

function byline({ handle, created_at }: Activity): HTMLElement {
  const link = element("a", { class: "handle", href: hashOf({ page: "user", handle }) }, handle);
  link.dataset.interaction = "click handle";
  return element("p", { class: "byline" }, link, element("time", { datetime: created_at }, relativeTime(created_at)));
}

function avatar(handle: string): HTMLElement {
  const colour = [...handle].reduce((sum, character) => sum + (character.codePointAt(0) ?? 0), 0) % AVATAR_COLOURS;
  const initial = [...handle][0]?.toUpperCase() ?? "?";
  return element("span", { class: `avatar colour-${colour}`, "aria-hidden": "true" }, initial);
}

function factsOf(activity: Activity): string[] {
  const counts = [
    pluralize(activity.likes_count, "like", "likes"),
    pluralize(activity.replies_count, "reply", "replies"),
    pluralize(activity.reposts_count, "repost", "reposts"),
  ];
  const expiry = activity.expires_at ? relativeTime(activity.expires_at) : "";
  return [...counts, expiry && `expires ${expiry}`].filter(Boolean);
}

function pluralize(count: number, singular: string, plural: string): string {
  return count > 0 ? `${count} ${count === 1 ? singular : plural}` : "";
}

function replyList({ handle, replies }: Activity): HTMLElement {
  const items = replies.map((reply) => element("li", {}, card(reply)));
  return element("ol", { class: "replies", "aria-label": `Replies to ${handle}` }, ...items);
}
