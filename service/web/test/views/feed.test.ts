import { expect, it } from "vitest";
import { type Activity, feed } from "../../src/views/feed";

const activity: Activity = {
  uuid: "68f126b0-1ceb-4a33-88be-d90fa7109eee",
  handle: "Andrew Brown",
  message: "Cloud is fun!",
  created_at: new Date(Date.now() - 172_800_000).toISOString(),
  expires_at: null,
  likes_count: 1,
  replies_count: 1,
  reposts_count: 0,
  replies: [],
};

it("shows the author, time, counts and replies of each activity", () => {
  const list = feed([{ ...activity, replies: [{ ...activity, handle: "Worf", message: "No honor!" }] }]);
  const articles = list.querySelectorAll("article");
  expect(articles).toHaveLength(2);
  expect(list.querySelector("a")?.getAttribute("href")).toBe("#/@Andrew%20Brown");
  expect(list.querySelector("time")?.textContent).toBe("2 days ago");
  expect(list.querySelector(".facts")?.textContent).toBe("1 like1 reply");
  expect(list.querySelector(".replies")?.getAttribute("aria-label")).toBe("Replies to Andrew Brown");
});

it("escapes markup in handles and messages", () => {
  const message = '<img src=x onerror="alert(1)">';
  const list = feed([{ ...activity, handle: "<b>x</b>", message }]);
  expect(list.querySelector("img, b")).toBeNull();
  expect(list.querySelector(".message")?.textContent).toBe(message);
});
