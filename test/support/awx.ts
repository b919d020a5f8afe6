// A small AWX over HTTP, for tests: job templates, launches, jobs and their output, as its API answers. It forgets nothing and runs
// nothing: a test says how a job ends.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Template {
  readonly id: number;
  readonly name: string;
  readonly ask_variables_on_launch: boolean;
  readonly ask_limit_on_launch: boolean;
}

export interface Job {
  id: number;
  job_template: number;
  status: string;
  cancel_flag: boolean;
  created: string;
  extra_vars: string;
  limit: string;
  elapsed: number;
  job_explanation: string;
}

/** What is done with a request instead: `after` is answered once it has had its effect. */
export type AwxFault = (request: {
  readonly method: string;
  readonly path: string;
}) => { readonly status: number; readonly body?: string; readonly after?: boolean } | null;

export interface Awx {
  readonly url: string;
  readonly token: string;
  readonly jobs: readonly Job[];
  /** Of launches. */
  readonly headers: readonly Readonly<Record<string, unknown>>[];
  fault: AwxFault;
  end(id: number, status: string, explanation?: string): void;
  output: string;
  stop(): Promise<void>;
}

export async function startAwx(): Promise<Awx> {
  const templates: readonly Template[] = [
    { id: 7, name: "patch hosts", ask_variables_on_launch: true, ask_limit_on_launch: false },
    { id: 8, name: "fixed", ask_variables_on_launch: false, ask_limit_on_launch: false },
    { id: 9, name: "twice", ask_variables_on_launch: true, ask_limit_on_launch: true },
    { id: 10, name: "twice", ask_variables_on_launch: true, ask_limit_on_launch: true },
  ];
  const jobs: Job[] = [];
  const headers: Readonly<Record<string, unknown>>[] = [];
  const token = "s3cr3t-awx-token";

  const launch = (template: number, body: { extra_vars?: object; limit?: string }): object => {
    const job: Job = {
      id: 100 + jobs.length,
      job_template: template,
      status: "pending",
      cancel_flag: false,
      created: new Date().toISOString(),
      extra_vars: JSON.stringify(body.extra_vars ?? {}),
      limit: body.limit ?? "",
      elapsed: 0,
      job_explanation: "",
    };
    jobs.push(job);
    return { ...job, job: job.id, ignored_fields: {} };
  };

  function handle(method: string, url: URL, body: unknown): { status: number; body: unknown } {
    const [, api, v2, kind, id, verb] = url.pathname.split("/");
    if (api !== "api" || v2 !== "v2" || !url.pathname.endsWith("/")) return { status: 404, body: null };
    const list = (all: readonly object[]) => {
      const size = Number(url.searchParams.get("page_size") ?? 25);
      const start = (Number(url.searchParams.get("page") ?? 1) - 1) * size;
      return { status: 200, body: { count: all.length, results: all.slice(start, start + size) } };
    };
    if (kind === "job_templates" && id === "")
      return list(templates.filter(({ name }) => name === url.searchParams.get("name")));
    if (kind === "job_templates") {
      const template = templates.find((one) => String(one.id) === id);
      if (template === undefined) return { status: 404, body: { detail: "Not found." } };
      if (verb === "launch" && method === "POST")
        return { status: 201, body: launch(template.id, body as object) };
      if (verb === "jobs") return list(jobs.filter((job) => job.job_template === template.id).toReversed());
      return { status: 200, body: template };
    }
    const job = jobs.find((one) => String(one.id) === id);
    if (kind !== "jobs" || job === undefined) return { status: 404, body: { detail: "Not found." } };
    if (verb === "stdout") return { status: 200, body: { range: {}, content: awx.output } };
    if (verb === "cancel" && method === "POST") {
      if (!["pending", "running", "waiting", "new"].includes(job.status)) return { status: 405, body: null };
      job.cancel_flag = true;
      job.status = "canceled";
      return { status: 202, body: {} };
    }
    return { status: 200, body: job };
  }

  const answer = (response: ServerResponse, status: number, body: string, type = "application/json") => {
    response.writeHead(status, { "content-type": type });
    response.end(body);
  };
  const handleRequest = async (request: IncomingMessage, response: ServerResponse) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const url = new URL(request.url ?? "/", "http://awx");
    const method = request.method ?? "GET";
    if (method === "POST") headers.push(request.headers);
    const fault = awx.fault({ method, path: url.pathname });
    if (fault !== null && fault.after !== true)
      return answer(response, fault.status, fault.body ?? "", "text/html");
    if (request.headers.authorization !== `Bearer ${token}`) return answer(response, 401, '{"detail":"no"}');
    const result = handle(method, url, text === "" ? null : JSON.parse(text));
    if (fault !== null) return answer(response, fault.status, fault.body ?? "", "text/html");
    answer(response, result.status, JSON.stringify(result.body));
  };
  const server = createServer((request, response) => void handleRequest(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const awx: Awx = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    jobs,
    headers,
    fault: () => null,
    output: "PLAY [all]\nok: [web-1]\n",
    end(id, status, explanation = "") {
      const job = jobs.find((one) => one.id === id);
      if (job === undefined) throw new Error(`there is no job ${id}`);
      Object.assign(job, { status, job_explanation: explanation, elapsed: 41.7 });
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  return awx;
}
