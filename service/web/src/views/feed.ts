import { element } from "./dom";
import { hashOf } from "../routes";
import { relative } from "./relative-time";

/** One activity, as the API gives it. */
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

/** Return the list of `activities`, their replies within them. */
export function feedList(activities: readonly Activity[]): HTMLElement {
  return element("ol", { class: "feed" }, ...activities.map((each) => element("li", {}, card(each))));
}

/** Return what stands where activities will be; a screen reader is told by the status line instead. */
export function placeholders(): HTMLElement {
  const lines = (): HTMLElement => element("li", { class: "placeholder" }, element("span"), element("span"));
  return element("ol", { class: "feed", "aria-hidden": "true" }, ...Array.from({ length: PLACEHOLDERS }, lines));
}

function card(activity: Activity): HTMLElement {
  const body = element("div", { class: "body" }, heading(activity), element("p", { class: "message" }, activity.message));
  const facts = factsOf(activity);
  if (facts.length > 0) body.append(element("p", { class: "facts" }, ...facts.map((each) => element("span", {}, each))));
  if (activity.replies.length > 0) body.append(repliesOf(activity));
  return element("article", { class: "activity" }, avatar(activity.handle), body);
}

function heading({ handle, created_at }: Activity): HTMLElement {
  const link = element("a", { class: "handle", href: hashOf({ page: "user", handle }) }, handle);
  link.dataset.interaction = "click handle";
  return element("p", { class: "byline" }, link, element("time", { datetime: created_at }, relative(created_at)));
}

function avatar(handle: string): HTMLElement {
  const colour = [...handle].reduce((sum, each) => sum + (each.codePointAt(0) ?? 0), 0) % AVATAR_COLOURS;
  const initial = [...handle][0]?.toUpperCase() ?? "?";
  return element("span", { class: `avatar colour-${colour}`, "aria-hidden": "true" }, initial);
}

function factsOf(activity: Activity): string[] {
  const facts = [
    counted(activity.likes_count, "like", "likes"),
    counted(activity.replies_count, "reply", "replies"),
    counted(activity.reposts_count, "repost", "reposts"),
  ];
  const expires = activity.expires_at ? relative(activity.expires_at) : "";
  return [...facts, expires && `expires ${expires}`].filter(Boolean);
}

function counted(count: number, one: string, many: string): string {
  return count > 0 ? `${count} ${count === 1 ? one : many}` : "";
}

function repliesOf({ handle, replies }: Activity): HTMLElement {
  const label = `Replies to ${handle}`;
  return element("ol", { class: "replies", "aria-label": label }, ...replies.map((each) => element("li", {}, card(each))));
}
