// A message as Slack's incoming webhooks take it. Free text is escaped, so that none of it becomes a link, a mention of everybody
// or formatting, and cut to what Slack accepts. Slack knows no idempotency key: it stands in the message, small.
import { shortened } from "../../domain/plain-text.ts";

interface Message {
  readonly title: string;
  readonly text: string;
  readonly severity: string;
}

/** Slack's own limits: 150 characters a header, 3,000 a section. */
const longestTitle = 150;
const longestText = 3000;
const colours: Readonly<Record<string, string>> = {
  critical: "#d00000",
  warning: "#e8a100",
  info: "#2f81f7",
};

/** The JSON body. */
export function slackMessage({ title, text, severity }: Message, key: string): string {
  const colour = colours[severity] ?? "#808080";
  const blocks = [
    { type: "header", text: { type: "plain_text", text: shortened(title, longestTitle), emoji: false } },
    { type: "section", text: { type: "mrkdwn", text: escaped(text, longestText), verbatim: true } },
    { type: "context", elements: [{ type: "plain_text", text: `${severity} · ${key}`, emoji: false }] },
  ];
  // `text` is what notifications and screen readers show.
  return JSON.stringify({
    text: escaped(`${severity}: ${title}`, longestTitle),
    attachments: [{ color: colour, blocks }],
  });
}

/** Escaped first: an escape must not be cut in half, so what is too long is shortened until it fits. */
function escaped(text: string, longest: number): string {
  const escape = (part: string) =>
    part.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  let length = longest;
  let result = escape(shortened(text, length));
  while (result.length > longest) {
    length -= result.length - longest;
    result = escape(shortened(text, Math.max(length, 1)));
  }
  return result === "" ? " " : result;
}
