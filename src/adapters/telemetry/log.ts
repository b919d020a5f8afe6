// The log: one line a fact. JSON on a pipe, one readable line on a terminal; secrets leave neither way.
// It goes to standard error, so that what a command prints stays clean.
import { styleText } from "node:util";
import { type DestinationStream, destination, pino } from "pino";
import type { Log } from "../../controller/ports.ts";
import { redact, redactText } from "./redact.ts";

export interface LogOptions {
  readonly level: "info" | "warn" | "error" | "silent";
  /** One readable line with colours instead of JSON. */
  readonly pretty: boolean;
  /** Default: standard error, written synchronously, so that the last words before an exit are not lost. */
  readonly write?: (line: string) => void;
}

export function createLog(options: LogOptions): Log {
  const write = options.write ?? toStandardError();
  const stream: DestinationStream = {
    write: options.pretty ? (line) => write(prettyLine(line)) : (line) => write(line),
  };
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      messageKey: "message",
      serializers: { err: (error: unknown) => error },
    },
    stream,
  );
  return {
    info: (fields, message) => logger.info(redact(fields), redactText(message)),
    warn: (fields, message) => logger.warn(redact(fields), redactText(message)),
    error: (fields, message) => logger.error(redact(fields), redactText(message)),
  };
}

function toStandardError(): (line: string) => void {
  const stderr = destination({ fd: 2, sync: true });
  return (line) => void stderr.write(line);
}

const colours = { info: "cyan", warn: "yellow", error: "red" } as const;

/** `10:00:05.123 warn  message  key=value`. */
function prettyLine(line: string): string {
  const { level, time, message, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const colour = colours[level as keyof typeof colours] ?? "white";
  const clock = styleText("dim", String(time).slice(11, 23), { validateStream: false });
  const word = styleText(colour, String(level).padEnd(5), { validateStream: false });
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${text(value)}`);
  const tail = rest.length === 0 ? "" : `  ${styleText("dim", rest.join(" "), { validateStream: false })}`;
  return `${clock} ${word} ${printable(String(message))}${tail}\n`;
}

function text(value: unknown): string {
  return typeof value === "string" && /^[\w./:@-]+$/.test(value) ? value : printable(JSON.stringify(value));
}

/** What others wrote must not move the cursor or colour the terminal. */
function printable(value: string): string {
  return value.replaceAll(/\p{Cc}/gu, "\uFFFD");
}
