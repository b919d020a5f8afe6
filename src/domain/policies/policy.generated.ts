// Written by scripts/generate.ts from schemas/policy.schema.json. Do not edit: change the schema.
/**
 * Rules that choose templates and rules that guard what a plan touches. One policy a file, under `policies/`.
 */
export interface PolicyFile {
  /**
   * Version of this file format. A controller that meets a newer format keeps the last good revision.
   */
  format: number;
  /**
   * Unique among all policies; a DNS label.
   */
  name: string;
  /**
   * What it is about, for people.
   */
  description?: string;
  /**
   * IANA name. The zone of `withinHours` where the condition names none.
   */
  timezone: string;
  /**
   * Named conditions of this file: `{condition: is-production}` uses one, in CEL `shared('is-production')`.
   */
  shared: {
    [k: string]: Condition;
  };
  /**
   * Selection rules (`select-template`, `escalate`) and guards (all other events).
   *
   * @maxItems 20000
   */
  rules: Rule[];
  /**
   * What depends on what: an incident is held while what its target depends on has an open incident or is not ready.
   *
   * @maxItems 5000
   */
  dependencies: Dependency[];
}
/**
 * One of: `all`, `any`, `not`, `condition` (a shared one), or a comparison with `fact`, `operator` and `value`.
 */
export interface Condition {
  /**
   * All of these must hold.
   *
   * @minItems 1
   * @maxItems 200
   */
  all?: Condition[];
  /**
   * One of these must hold.
   *
   * @minItems 1
   * @maxItems 200
   */
  any?: Condition[];
  /**
   * This must not hold.
   */
  not?: Condition;
  /**
   * Name of a shared condition of this file.
   */
  condition?: string;
  /**
   * What is looked at. `plan` and `usage` are for guards.
   */
  fact?:
    | "alert"
    | "subject"
    | "subjects"
    | "target"
    | "namespace"
    | "cluster"
    | "owner"
    | "history"
    | "now"
    | "plan"
    | "usage";
  /**
   * Where in the fact: `$.labels.env`, `$.labels['app.kubernetes.io/name']`, `$.containers[0]`, and `$.objects[*].kind` for a list of all of them.
   */
  path?: string;
  /**
   * json-rules-engine's operators, and `matches` (RE2), `glob`, `anyGlob`, `noneGlob`, `anyIn`, `allIn`, `withinHours`, `inCalendar`, `olderThan`, `cel` (an expression over `value`).
   */
  operator?:
    | "equal"
    | "notEqual"
    | "in"
    | "notIn"
    | "contains"
    | "doesNotContain"
    | "lessThan"
    | "lessThanInclusive"
    | "greaterThan"
    | "greaterThanInclusive"
    | "matches"
    | "glob"
    | "anyGlob"
    | "noneGlob"
    | "anyIn"
    | "allIn"
    | "withinHours"
    | "inCalendar"
    | "olderThan"
    | "cel";
  /**
   * What it is compared with: text, a number, true, false, a list of those, `{fact, path}` for another fact's value, or `{from, to, days, zone}` for `withinHours`.
   */
  value?: unknown;
  /**
   * Result when the value is not there. Left out: a guard fires, a selection rule does not match.
   */
  missing?: boolean;
  /**
   * For people; as in json-rules-engine.
   */
  name?: string;
  /**
   * As in json-rules-engine, where it says what is asked first. All facts are at hand here: the result is the same.
   */
  priority?: number;
}
/**
 * When it holds, its event counts.
 */
export interface Rule {
  /**
   * Unique in the file.
   */
  name: string;
  /**
   * Why it is there, for people.
   */
  description?: string;
  /**
   * Selection rules only: the highest that holds wins. Default 1.
   */
  priority?: number;
  /**
   * The alerts that the rule is about. Left out: every alert.
   *
   * @minItems 1
   * @maxItems 1000
   */
  on?: string[];
  /**
   * CEL over the facts; must be true.
   */
  when?: string;
  /**
   * json-rules-engine's conditions; must hold, together with `when`.
   */
  conditions?: Condition;
  /**
   * What the rule asks for.
   */
  event: SelectTemplate | Escalate | RequireApproval | Deny | Limit | SetMode | WaiveApproval | SetRepair;
}
/**
 * The template to run.
 */
export interface SelectTemplate {
  /**
   * Always `select-template`.
   */
  type: "select-template";
  /**
   * What `select-template` needs to know: a `template`, or a `ladder` of several.
   */
  params: {
    /**
     * Name of a template.
     */
    template?: string;
    /**
     * Values for the template's parameters; strings may hold `{{ }}`.
     */
    parameters: {
      [k: string]: unknown;
    };
    /**
     * What is tried one after the other for the same alert name and target, counted by the executions that ran within `window`. A rung below the highest one that was tried is not tried again within it.
     *
     * @minItems 1
     * @maxItems 10
     */
    ladder?: Rung[];
    /**
     * How far back a ladder counts; at most 7d. Left out: a day.
     */
    window?: string;
  };
}
/**
 * A template, or people.
 */
export interface Rung {
  /**
   * Name of a template; each once in a ladder.
   */
  template?: string;
  /**
   * How often it is tried before the next rung. Left out: once.
   */
  times?: number;
  /**
   * Values for the template's parameters; strings may hold `{{ }}`.
   */
  parameters: {
    [k: string]: unknown;
  };
  /**
   * The last rung: tell people. Left out: nothing more is done.
   */
  escalate?: {
    /**
     * A notification channel, or `team:owner`: the channel with the name of the team that owns the target. Left out, or nobody owns it: the default one.
     */
    to?: string;
    /**
     * How urgent it is.
     */
    severity: "info" | "warning" | "critical";
    /**
     * Text for people; may hold `{{ }}`.
     */
    message: string;
  };
}
/**
 * No template: tell people.
 */
export interface Escalate {
  /**
   * Always `escalate`.
   */
  type: "escalate";
  /**
   * What `escalate` needs to know.
   */
  params: {
    /**
     * A notification channel, or `team:owner`: the channel with the name of the team that owns the target. Left out, or nobody owns it: the default one.
     */
    to?: string;
    /**
     * How urgent it is.
     */
    severity: "info" | "warning" | "critical";
    /**
     * Text for people; may hold `{{ }}`.
     */
    message: string;
  };
}
/**
 * People must approve the plan.
 */
export interface RequireApproval {
  /**
   * Always `require-approval`.
   */
  type: "require-approval";
  /**
   * What `require-approval` needs to know.
   */
  params: {
    /**
     * People (`ana`), teams (`team:sre`), and `team:owner` for the team that owns the target. Empty: any configured approver.
     *
     * @maxItems 100
     */
    from: string[];
    /**
     * How many people.
     */
    approvals: number;
    /**
     * After this the execution ends as expired.
     */
    expires: string;
    /**
     * People are told again each time that so long has passed without a decision. Default: they are told once.
     */
    remind?: string;
    /**
     * Who else is told, and may approve from then on, when there are not enough approvals after a while. The number of approvals and `expires` stay the same.
     *
     * @minItems 1
     * @maxItems 10
     *
     * Items: Told once, and approvers from then on.
     */
    next?: {
      /**
       * Counted from the decision that people are needed, as `expires` is; shorter than it.
       */
      after: string;
      /**
       * People and teams, as in `from` of the guard.
       *
       * @minItems 1
       * @maxItems 100
       */
      from: string[];
    }[];
    /**
     * What happens at the end of `expires`: the execution ends `expired`, and people are told on the default channel.
     */
    on_expiry: "escalate";
    /**
     * What happens when all its alerts resolve before it is approved.
     */
    when_resolved: "cancel";
  };
}
/**
 * The plan must not run.
 */
export interface Deny {
  /**
   * Always `deny`.
   */
  type: "deny";
  /**
   * What `deny` needs to know.
   */
  params: {
    /**
     * Why, for people.
     */
    reason: string;
  };
}
/**
 * Refuses the plan when too much is under way, or was started, in its scope. Only live executions that change something count.
 */
export interface Limit {
  /**
   * Always `limit`.
   */
  type: "limit";
  /**
   * What `limit` needs to know.
   */
  params: {
    /**
     * What is counted together: all executions in the plan's namespaces (each by itself), clusters, for its target, of its template, or all. A zone (topology.kubernetes.io/zone) and a workload take `share` alone.
     */
    scope: "namespace" | "cluster" | "target" | "template" | "global" | "zone" | "workload";
    /**
     * How many may be under way at once, those that wait for people included.
     */
    running?: number;
    /**
     * How many may be started within `per`.
     */
    starts?: number;
    /**
     * The time that `starts` and `share` count back. Left out: an hour.
     */
    per?: string;
    /**
     * How much of a cluster or zone (its nodes), a namespace (its pods) or a workload (its replicas) may be touched: by this plan, by all that is under way, and by what was begun within `per`. Rounded down, but never less than one.
     */
    share?: string;
  };
}
/**
 * The plan is only observed: read-only steps run, nothing is changed.
 */
export interface SetMode {
  /**
   * Always `set-mode`.
   */
  type: "set-mode";
  /**
   * What `set-mode` needs to know.
   */
  params: {
    /**
     * `observe`; what is live is said in gitmend.yaml alone.
     */
    mode: "observe";
  };
}
/**
 * Lifts the built-in approval of plans with high or critical risk; not one that a policy or the template asks for.
 */
export interface WaiveApproval {
  /**
   * Always `waive-approval`.
   */
  type: "waive-approval";
  /**
   * What `waive-approval` needs to know.
   */
  params: {
    /**
     * Plans above it still need the approval.
     */
    max_risk: "high" | "critical";
    /**
     * Why, for people and the record.
     */
    reason: string;
  };
}
/**
 * Where what Flux, Argo CD or Helm applies is repaired. Without such a rule: `git`. Of several that fire the strictest counts: `git`, `both`, `live`. `git` fires when a value is missing; `live` and `both` do not.
 */
export interface SetRepair {
  /**
   * Always `set-repair`.
   */
  type: "set-repair";
  /**
   * What `set-repair` needs to know.
   */
  params: {
    /**
     * `git`: a pull request to the repository of the manifest, and nothing else. `live`: in the cluster, although its owner may change it back. `both`: in the cluster, and a pull request follows that makes it last.
     */
    repair: "live" | "git" | "both";
    /**
     * How long people have to merge the pull request.
     */
    wait: string;
  };
}
/**
 * Objects that need another one, in the same cluster.
 */
export interface Dependency {
  /**
   * Unique among the dependencies of the file.
   */
  name: string;
  /**
   * What depends on it.
   */
  of: {
    /**
     * The namespace that it is in.
     */
    namespace: string;
    /**
     * Of an alert's target.
     */
    kind: "Deployment" | "StatefulSet" | "DaemonSet" | "Pod";
    /**
     * Of the objects.
     *
     * @minItems 1
     * @maxItems 500
     */
    names: string[];
  };
  /**
   * What they need.
   */
  on: {
    /**
     * The namespace that it is in.
     */
    namespace: string;
    /**
     * What it is.
     */
    kind: "Deployment" | "StatefulSet" | "DaemonSet" | "Pod";
    /**
     * Its name.
     */
    name: string;
  };
  /**
   * How long an alert waits at most, from when it opened.
   */
  hold: string;
}

export const policySchema = {
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://gitmend.dev/schemas/policy.schema.json",
  "title": "PolicyFile",
  "description": "Rules that choose templates and rules that guard what a plan touches. One policy a file, under `policies/`.",
  "type": "object",
  "additionalProperties": false,
  "required": [
    "name"
  ],
  "properties": {
    "format": {
      "title": "Format",
      "description": "Version of this file format. A controller that meets a newer format keeps the last good revision.",
      "type": "integer",
      "minimum": 1,
      "maximum": 1,
      "default": 1,
      "examples": [
        1
      ]
    },
    "name": {
      "title": "Name",
      "description": "Unique among all policies; a DNS label.",
      "type": "string",
      "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
      "examples": [
        "crash-loops"
      ]
    },
    "description": {
      "title": "Description",
      "description": "What it is about, for people.",
      "type": "string",
      "maxLength": 4096,
      "examples": [
        "What to do about pods that crash again and again."
      ]
    },
    "timezone": {
      "title": "Time zone",
      "description": "IANA name. The zone of `withinHours` where the condition names none.",
      "type": "string",
      "minLength": 1,
      "maxLength": 64,
      "default": "UTC",
      "examples": [
        "Europe/Berlin"
      ]
    },
    "shared": {
      "title": "Shared conditions",
      "description": "Named conditions of this file: `{condition: is-production}` uses one, in CEL `shared('is-production')`.",
      "type": "object",
      "additionalProperties": {
        "$ref": "#/definitions/condition"
      },
      "default": {},
      "examples": [
        {
          "is-production": {
            "fact": "cluster",
            "path": "$.labels.env",
            "operator": "equal",
            "value": "prod"
          }
        }
      ]
    },
    "rules": {
      "title": "Rules",
      "description": "Selection rules (`select-template`, `escalate`) and guards (all other events).",
      "type": "array",
      "items": {
        "$ref": "#/definitions/rule"
      },
      "maxItems": 20000,
      "examples": [
        [
          {
            "name": "restart",
            "on": [
              "KubePodCrashLooping"
            ],
            "event": {
              "type": "select-template",
              "params": {
                "template": "pod-crash-recovery"
              }
            }
          }
        ]
      ],
      "default": []
    },
    "dependencies": {
      "title": "Dependencies",
      "description": "What depends on what: an incident is held while what its target depends on has an open incident or is not ready.",
      "type": "array",
      "maxItems": 5000,
      "items": {
        "$ref": "#/definitions/dependency"
      },
      "default": [],
      "examples": [
        [
          {
            "name": "shop-db",
            "of": {
              "namespace": "shop",
              "kind": "Deployment",
              "names": [
                "cart",
                "checkout"
              ]
            },
            "on": {
              "namespace": "shop",
              "kind": "StatefulSet",
              "name": "db"
            },
            "hold": "15m"
          }
        ]
      ]
    }
  },
  "definitions": {
    "rule": {
      "title": "Rule",
      "description": "When it holds, its event counts.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "name": {
          "title": "Name",
          "description": "Unique in the file.",
          "type": "string",
          "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
          "examples": [
            "restart-crash-looping-pods"
          ]
        },
        "description": {
          "title": "Description",
          "description": "Why it is there, for people.",
          "type": "string",
          "maxLength": 4096,
          "examples": [
            "A restart clears most leaks."
          ]
        },
        "priority": {
          "title": "Priority",
          "description": "Selection rules only: the highest that holds wins. Default 1.",
          "type": "integer",
          "minimum": 1,
          "maximum": 1000000,
          "examples": [
            50
          ]
        },
        "on": {
          "title": "Alert names",
          "description": "The alerts that the rule is about. Left out: every alert.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 256
          },
          "minItems": 1,
          "maxItems": 1000,
          "uniqueItems": true,
          "examples": [
            [
              "KubePodCrashLooping"
            ]
          ]
        },
        "when": {
          "title": "When",
          "description": "CEL over the facts; must be true.",
          "type": "string",
          "maxLength": 2048,
          "minLength": 1,
          "examples": [
            "history.attempts('24h') < 3"
          ]
        },
        "conditions": {
          "title": "Conditions",
          "description": "json-rules-engine's conditions; must hold, together with `when`.",
          "allOf": [
            {
              "$ref": "#/definitions/condition"
            }
          ],
          "examples": [
            {
              "all": [
                {
                  "fact": "cluster",
                  "path": "$.labels.env",
                  "operator": "equal",
                  "value": "prod"
                }
              ]
            }
          ]
        },
        "event": {
          "title": "Event",
          "description": "What the rule asks for.",
          "type": "object",
          "discriminator": {
            "propertyName": "type"
          },
          "oneOf": [
            {
              "$ref": "#/definitions/selectTemplate"
            },
            {
              "$ref": "#/definitions/escalate"
            },
            {
              "$ref": "#/definitions/requireApproval"
            },
            {
              "$ref": "#/definitions/deny"
            },
            {
              "$ref": "#/definitions/limit"
            },
            {
              "$ref": "#/definitions/setMode"
            },
            {
              "$ref": "#/definitions/waiveApproval"
            },
            {
              "$ref": "#/definitions/setRepair"
            }
          ],
          "examples": [
            {
              "type": "select-template",
              "params": {
                "template": "pod-crash-recovery"
              }
            }
          ]
        }
      },
      "required": [
        "name",
        "event"
      ],
      "examples": [
        {
          "name": "restart",
          "on": [
            "KubePodCrashLooping"
          ],
          "event": {
            "type": "select-template",
            "params": {
              "template": "pod-crash-recovery"
            }
          }
        }
      ]
    },
    "condition": {
      "title": "Condition",
      "description": "One of: `all`, `any`, `not`, `condition` (a shared one), or a comparison with `fact`, `operator` and `value`.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "all": {
          "title": "All",
          "description": "All of these must hold.",
          "type": "array",
          "items": {
            "$ref": "#/definitions/condition"
          },
          "minItems": 1,
          "maxItems": 200,
          "examples": [
            [
              {
                "condition": "is-production"
              }
            ]
          ]
        },
        "any": {
          "title": "Any",
          "description": "One of these must hold.",
          "type": "array",
          "items": {
            "$ref": "#/definitions/condition"
          },
          "minItems": 1,
          "maxItems": 200,
          "examples": [
            [
              {
                "condition": "is-production"
              }
            ]
          ]
        },
        "not": {
          "title": "Not",
          "description": "This must not hold.",
          "allOf": [
            {
              "$ref": "#/definitions/condition"
            }
          ],
          "examples": [
            {
              "condition": "is-production"
            }
          ]
        },
        "condition": {
          "title": "Condition",
          "description": "Name of a shared condition of this file.",
          "type": "string",
          "minLength": 1,
          "examples": [
            "is-production"
          ]
        },
        "fact": {
          "title": "Fact",
          "description": "What is looked at. `plan` and `usage` are for guards.",
          "enum": [
            "alert",
            "subject",
            "subjects",
            "target",
            "namespace",
            "cluster",
            "owner",
            "history",
            "now",
            "plan",
            "usage"
          ],
          "examples": [
            "cluster"
          ]
        },
        "path": {
          "title": "Path",
          "description": "Where in the fact: `$.labels.env`, `$.labels['app.kubernetes.io/name']`, `$.containers[0]`, and `$.objects[*].kind` for a list of all of them.",
          "type": "string",
          "maxLength": 512,
          "examples": [
            "$.labels.env"
          ]
        },
        "operator": {
          "title": "Operator",
          "description": "json-rules-engine's operators, and `matches` (RE2), `glob`, `anyGlob`, `noneGlob`, `anyIn`, `allIn`, `withinHours`, `inCalendar`, `olderThan`, `cel` (an expression over `value`).",
          "enum": [
            "equal",
            "notEqual",
            "in",
            "notIn",
            "contains",
            "doesNotContain",
            "lessThan",
            "lessThanInclusive",
            "greaterThan",
            "greaterThanInclusive",
            "matches",
            "glob",
            "anyGlob",
            "noneGlob",
            "anyIn",
            "allIn",
            "withinHours",
            "inCalendar",
            "olderThan",
            "cel"
          ],
          "examples": [
            "equal"
          ]
        },
        "value": {
          "title": "Value",
          "description": "What it is compared with: text, a number, true, false, a list of those, `{fact, path}` for another fact's value, or `{from, to, days, zone}` for `withinHours`.",
          "examples": [
            "prod"
          ]
        },
        "missing": {
          "title": "Missing",
          "description": "Result when the value is not there. Left out: a guard fires, a selection rule does not match.",
          "type": "boolean",
          "examples": [
            false
          ]
        },
        "name": {
          "title": "Name",
          "description": "For people; as in json-rules-engine.",
          "type": "string",
          "minLength": 1,
          "maxLength": 256,
          "examples": [
            "in production"
          ]
        },
        "priority": {
          "title": "Priority",
          "description": "As in json-rules-engine, where it says what is asked first. All facts are at hand here: the result is the same.",
          "type": "integer",
          "minimum": 1,
          "maximum": 1000000,
          "examples": [
            10
          ]
        }
      },
      "examples": [
        {
          "fact": "cluster",
          "path": "$.labels.env",
          "operator": "equal",
          "value": "prod"
        }
      ]
    },
    "selectTemplate": {
      "title": "Select a template",
      "description": "The template to run.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "type",
        "params"
      ],
      "properties": {
        "type": {
          "title": "Event",
          "description": "Always `select-template`.",
          "const": "select-template",
          "type": "string",
          "examples": [
            "select-template"
          ]
        },
        "params": {
          "title": "Parameters",
          "description": "What `select-template` needs to know: a `template`, or a `ladder` of several.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "template": {
              "title": "Template",
              "description": "Name of a template.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "pod-crash-recovery"
              ]
            },
            "parameters": {
              "title": "Parameters",
              "description": "Values for the template's parameters; strings may hold `{{ }}`.",
              "type": "object",
              "additionalProperties": {},
              "default": {},
              "examples": [
                {
                  "grace_seconds": 10
                }
              ]
            },
            "ladder": {
              "title": "Ladder",
              "description": "What is tried one after the other for the same alert name and target, counted by the executions that ran within `window`. A rung below the highest one that was tried is not tried again within it.",
              "type": "array",
              "minItems": 1,
              "maxItems": 10,
              "items": {
                "$ref": "#/definitions/rung"
              },
              "examples": [
                [
                  {
                    "template": "restart-workload",
                    "times": 1
                  },
                  {
                    "template": "raise-memory",
                    "times": 2
                  },
                  {
                    "escalate": {
                      "to": "team:owner"
                    }
                  }
                ]
              ]
            },
            "window": {
              "title": "Window",
              "description": "How far back a ladder counts; at most 7d. Left out: a day.",
              "type": "string",
              "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
              "examples": [
                "24h"
              ]
            }
          },
          "examples": [
            {
              "template": "pod-crash-recovery",
              "parameters": {
                "grace_seconds": 10
              }
            }
          ]
        }
      },
      "examples": [
        {
          "type": "select-template",
          "params": {
            "template": "pod-crash-recovery",
            "parameters": {
              "grace_seconds": 10
            }
          }
        }
      ]
    },
    "escalate": {
      "title": "Escalate",
      "description": "No template: tell people.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "type"
      ],
      "properties": {
        "type": {
          "title": "Event",
          "description": "Always `escalate`.",
          "const": "escalate",
          "type": "string",
          "examples": [
            "escalate"
          ]
        },
        "params": {
          "title": "Parameters",
          "description": "What `escalate` needs to know.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "to": {
              "title": "To",
              "description": "A notification channel, or `team:owner`: the channel with the name of the team that owns the target. Left out, or nobody owns it: the default one.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "team:owner"
              ]
            },
            "severity": {
              "title": "Severity",
              "description": "How urgent it is.",
              "enum": [
                "info",
                "warning",
                "critical"
              ],
              "default": "warning",
              "examples": [
                "critical"
              ]
            },
            "message": {
              "title": "Message",
              "description": "Text for people; may hold `{{ }}`.",
              "type": "string",
              "maxLength": 4096,
              "default": "{{ alert.name }} needs a person.",
              "examples": [
                "{{ alert.name }} has no safe remedy."
              ]
            }
          },
          "default": {},
          "examples": [
            {
              "to": "sre",
              "severity": "critical",
              "message": "{{ alert.name }} has no safe remedy."
            }
          ]
        }
      },
      "examples": [
        {
          "type": "escalate",
          "params": {
            "to": "sre",
            "severity": "critical",
            "message": "{{ alert.name }} has no safe remedy."
          }
        }
      ]
    },
    "requireApproval": {
      "title": "Require approval",
      "description": "People must approve the plan.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "type"
      ],
      "properties": {
        "type": {
          "title": "Event",
          "description": "Always `require-approval`.",
          "const": "require-approval",
          "type": "string",
          "examples": [
            "require-approval"
          ]
        },
        "params": {
          "title": "Parameters",
          "description": "What `require-approval` needs to know.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "from": {
              "title": "From",
              "description": "People (`ana`), teams (`team:sre`), and `team:owner` for the team that owns the target. Empty: any configured approver.",
              "type": "array",
              "items": {
                "type": "string",
                "minLength": 1
              },
              "uniqueItems": true,
              "maxItems": 100,
              "default": [],
              "examples": [
                [
                  "team:sre"
                ]
              ]
            },
            "approvals": {
              "title": "Approvals",
              "description": "How many people.",
              "type": "integer",
              "minimum": 1,
              "maximum": 20,
              "default": 1,
              "examples": [
                2
              ]
            },
            "expires": {
              "title": "Expires",
              "description": "After this the execution ends as expired.",
              "type": "string",
              "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
              "default": "30m",
              "examples": [
                "30m"
              ]
            },
            "remind": {
              "title": "Remind",
              "description": "People are told again each time that so long has passed without a decision. Default: they are told once.",
              "type": "string",
              "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
              "examples": [
                "10m"
              ]
            },
            "next": {
              "title": "Next",
              "description": "Who else is told, and may approve from then on, when there are not enough approvals after a while. The number of approvals and `expires` stay the same.",
              "type": "array",
              "minItems": 1,
              "maxItems": 10,
              "items": {
                "title": "Next approvers",
                "description": "Told once, and approvers from then on.",
                "type": "object",
                "additionalProperties": false,
                "required": [
                  "after",
                  "from"
                ],
                "properties": {
                  "after": {
                    "title": "After",
                    "description": "Counted from the decision that people are needed, as `expires` is; shorter than it.",
                    "type": "string",
                    "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
                    "examples": [
                      "10m"
                    ]
                  },
                  "from": {
                    "title": "From",
                    "description": "People and teams, as in `from` of the guard.",
                    "type": "array",
                    "items": {
                      "type": "string",
                      "minLength": 1
                    },
                    "uniqueItems": true,
                    "minItems": 1,
                    "maxItems": 100,
                    "examples": [
                      [
                        "team:platform"
                      ]
                    ]
                  }
                },
                "examples": [
                  {
                    "after": "10m",
                    "from": [
                      "team:platform"
                    ]
                  }
                ]
              },
              "examples": [
                [
                  {
                    "after": "10m",
                    "from": [
                      "team:platform"
                    ]
                  }
                ]
              ]
            },
            "on_expiry": {
              "title": "On expiry",
              "description": "What happens at the end of `expires`: the execution ends `expired`, and people are told on the default channel.",
              "enum": [
                "escalate"
              ],
              "default": "escalate",
              "examples": [
                "escalate"
              ]
            },
            "when_resolved": {
              "title": "When resolved",
              "description": "What happens when all its alerts resolve before it is approved.",
              "enum": [
                "cancel"
              ],
              "default": "cancel",
              "examples": [
                "cancel"
              ]
            }
          },
          "default": {},
          "examples": [
            {
              "from": [
                "team:sre"
              ],
              "approvals": 2,
              "expires": "30m"
            }
          ]
        }
      },
      "examples": [
        {
          "type": "require-approval",
          "params": {
            "from": [
              "team:sre"
            ],
            "approvals": 2,
            "expires": "30m"
          }
        }
      ]
    },
    "deny": {
      "title": "Deny",
      "description": "The plan must not run.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "type",
        "params"
      ],
      "properties": {
        "type": {
          "title": "Event",
          "description": "Always `deny`.",
          "const": "deny",
          "type": "string",
          "examples": [
            "deny"
          ]
        },
        "params": {
          "title": "Parameters",
          "description": "What `deny` needs to know.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "reason": {
              "title": "Reason",
              "description": "Why, for people.",
              "type": "string",
              "minLength": 1,
              "maxLength": 4096,
              "examples": [
                "change freeze"
              ]
            }
          },
          "required": [
            "reason"
          ],
          "examples": [
            {
              "reason": "change freeze"
            }
          ]
        }
      },
      "examples": [
        {
          "type": "deny",
          "params": {
            "reason": "change freeze"
          }
        }
      ]
    },
    "limit": {
      "title": "Limit",
      "description": "Refuses the plan when too much is under way, or was started, in its scope. Only live executions that change something count.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "type",
        "params"
      ],
      "properties": {
        "type": {
          "title": "Event",
          "description": "Always `limit`.",
          "const": "limit",
          "type": "string",
          "examples": [
            "limit"
          ]
        },
        "params": {
          "title": "Parameters",
          "description": "What `limit` needs to know.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "scope": {
              "title": "Scope",
              "description": "What is counted together: all executions in the plan's namespaces (each by itself), clusters, for its target, of its template, or all. A zone (topology.kubernetes.io/zone) and a workload take `share` alone.",
              "enum": [
                "namespace",
                "cluster",
                "target",
                "template",
                "global",
                "zone",
                "workload"
              ],
              "examples": [
                "namespace"
              ]
            },
            "running": {
              "title": "Running",
              "description": "How many may be under way at once, those that wait for people included.",
              "type": "integer",
              "minimum": 1,
              "maximum": 100000,
              "examples": [
                2
              ]
            },
            "starts": {
              "title": "Starts",
              "description": "How many may be started within `per`.",
              "type": "integer",
              "minimum": 1,
              "maximum": 100000,
              "examples": [
                10
              ]
            },
            "per": {
              "title": "Per",
              "description": "The time that `starts` and `share` count back. Left out: an hour.",
              "type": "string",
              "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
              "examples": [
                "1h"
              ]
            },
            "share": {
              "title": "Share",
              "description": "How much of a cluster or zone (its nodes), a namespace (its pods) or a workload (its replicas) may be touched: by this plan, by all that is under way, and by what was begun within `per`. Rounded down, but never less than one.",
              "type": "string",
              "pattern": "^([1-9][0-9]?|100)%$",
              "examples": [
                "10%"
              ]
            }
          },
          "required": [
            "scope"
          ],
          "examples": [
            {
              "scope": "namespace",
              "running": 2,
              "starts": 10,
              "per": "1h"
            }
          ]
        }
      },
      "examples": [
        {
          "type": "limit",
          "params": {
            "scope": "namespace",
            "running": 2,
            "starts": 10,
            "per": "1h"
          }
        }
      ]
    },
    "setMode": {
      "title": "Set the mode",
      "description": "The plan is only observed: read-only steps run, nothing is changed.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "type",
        "params"
      ],
      "properties": {
        "type": {
          "title": "Event",
          "description": "Always `set-mode`.",
          "const": "set-mode",
          "type": "string",
          "examples": [
            "set-mode"
          ]
        },
        "params": {
          "title": "Parameters",
          "description": "What `set-mode` needs to know.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "mode": {
              "title": "Mode",
              "description": "`observe`; what is live is said in gitmend.yaml alone.",
              "examples": [
                "observe"
              ],
              "enum": [
                "observe"
              ]
            }
          },
          "required": [
            "mode"
          ],
          "examples": [
            {
              "mode": "observe"
            }
          ]
        }
      },
      "examples": [
        {
          "type": "set-mode",
          "params": {
            "mode": "observe"
          }
        }
      ]
    },
    "setRepair": {
      "title": "Choose where it is repaired",
      "description": "Where what Flux, Argo CD or Helm applies is repaired. Without such a rule: `git`. Of several that fire the strictest counts: `git`, `both`, `live`. `git` fires when a value is missing; `live` and `both` do not.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "type",
        "params"
      ],
      "properties": {
        "type": {
          "title": "Event",
          "description": "Always `set-repair`.",
          "const": "set-repair",
          "type": "string",
          "examples": [
            "set-repair"
          ]
        },
        "params": {
          "title": "Parameters",
          "description": "What `set-repair` needs to know.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "repair": {
              "title": "Repair",
              "description": "`git`: a pull request to the repository of the manifest, and nothing else. `live`: in the cluster, although its owner may change it back. `both`: in the cluster, and a pull request follows that makes it last.",
              "enum": [
                "live",
                "git",
                "both"
              ],
              "examples": [
                "both"
              ]
            },
            "wait": {
              "title": "Wait",
              "description": "How long people have to merge the pull request.",
              "type": "string",
              "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
              "default": "1h",
              "examples": [
                "4h"
              ]
            }
          },
          "required": [
            "repair"
          ],
          "examples": [
            {
              "repair": "both"
            }
          ]
        }
      },
      "examples": [
        {
          "type": "set-repair",
          "params": {
            "repair": "both"
          }
        }
      ]
    },
    "waiveApproval": {
      "title": "Waive the approval",
      "description": "Lifts the built-in approval of plans with high or critical risk; not one that a policy or the template asks for.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "type",
        "params"
      ],
      "properties": {
        "type": {
          "title": "Event",
          "description": "Always `waive-approval`.",
          "const": "waive-approval",
          "type": "string",
          "examples": [
            "waive-approval"
          ]
        },
        "params": {
          "title": "Parameters",
          "description": "What `waive-approval` needs to know.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "max_risk": {
              "title": "Highest risk",
              "description": "Plans above it still need the approval.",
              "enum": [
                "high",
                "critical"
              ],
              "examples": [
                "high"
              ]
            },
            "reason": {
              "title": "Reason",
              "description": "Why, for people and the record.",
              "type": "string",
              "minLength": 1,
              "maxLength": 4096,
              "examples": [
                "a restart of this workload is harmless"
              ]
            }
          },
          "required": [
            "max_risk",
            "reason"
          ],
          "examples": [
            {
              "max_risk": "high",
              "reason": "a restart of this workload is harmless"
            }
          ]
        }
      },
      "examples": [
        {
          "type": "waive-approval",
          "params": {
            "max_risk": "high",
            "reason": "a restart of this workload is harmless"
          }
        }
      ]
    },
    "rung": {
      "title": "Rung",
      "description": "A template, or people.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "template": {
          "title": "Template",
          "description": "Name of a template; each once in a ladder.",
          "type": "string",
          "minLength": 1,
          "examples": [
            "restart-workload"
          ]
        },
        "times": {
          "title": "Times",
          "description": "How often it is tried before the next rung. Left out: once.",
          "type": "integer",
          "minimum": 1,
          "maximum": 20,
          "examples": [
            2
          ]
        },
        "parameters": {
          "title": "Parameters",
          "description": "Values for the template's parameters; strings may hold `{{ }}`.",
          "type": "object",
          "additionalProperties": {},
          "default": {},
          "examples": [
            {
              "grace_seconds": 10
            }
          ]
        },
        "escalate": {
          "title": "Escalate",
          "description": "The last rung: tell people. Left out: nothing more is done.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "to": {
              "title": "To",
              "description": "A notification channel, or `team:owner`: the channel with the name of the team that owns the target. Left out, or nobody owns it: the default one.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "team:owner"
              ]
            },
            "severity": {
              "title": "Severity",
              "description": "How urgent it is.",
              "enum": [
                "info",
                "warning",
                "critical"
              ],
              "default": "warning",
              "examples": [
                "critical"
              ]
            },
            "message": {
              "title": "Message",
              "description": "Text for people; may hold `{{ }}`.",
              "type": "string",
              "maxLength": 4096,
              "default": "{{ alert.name }} still fires after all that may be tried for it.",
              "examples": [
                "{{ alert.name }} has no safe remedy."
              ]
            }
          },
          "examples": [
            {
              "to": "team:owner"
            }
          ]
        }
      },
      "examples": [
        {
          "template": "restart-workload",
          "times": 1
        }
      ]
    },
    "dependency": {
      "title": "Dependency",
      "description": "Objects that need another one, in the same cluster.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "name",
        "of",
        "on"
      ],
      "properties": {
        "name": {
          "title": "Name",
          "description": "Unique among the dependencies of the file.",
          "type": "string",
          "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
          "examples": [
            "shop-db"
          ]
        },
        "of": {
          "title": "Of",
          "description": "What depends on it.",
          "type": "object",
          "additionalProperties": false,
          "required": [
            "namespace",
            "kind",
            "names"
          ],
          "properties": {
            "namespace": {
              "title": "Namespace",
              "description": "The namespace that it is in.",
              "type": "string",
              "minLength": 1,
              "maxLength": 63,
              "examples": [
                "shop"
              ]
            },
            "kind": {
              "title": "Kind",
              "description": "Of an alert's target.",
              "enum": [
                "Deployment",
                "StatefulSet",
                "DaemonSet",
                "Pod"
              ],
              "examples": [
                "Deployment"
              ]
            },
            "names": {
              "title": "Names",
              "description": "Of the objects.",
              "type": "array",
              "minItems": 1,
              "maxItems": 500,
              "uniqueItems": true,
              "items": {
                "type": "string",
                "minLength": 1,
                "maxLength": 253
              },
              "examples": [
                [
                  "cart",
                  "checkout"
                ]
              ]
            }
          },
          "examples": [
            {
              "namespace": "shop",
              "kind": "Deployment",
              "names": [
                "cart",
                "checkout"
              ]
            }
          ]
        },
        "on": {
          "title": "On",
          "description": "What they need.",
          "type": "object",
          "additionalProperties": false,
          "required": [
            "namespace",
            "kind",
            "name"
          ],
          "properties": {
            "namespace": {
              "title": "Namespace",
              "description": "The namespace that it is in.",
              "type": "string",
              "minLength": 1,
              "maxLength": 63,
              "examples": [
                "shop"
              ]
            },
            "kind": {
              "title": "Kind",
              "description": "What it is.",
              "enum": [
                "Deployment",
                "StatefulSet",
                "DaemonSet",
                "Pod"
              ],
              "examples": [
                "StatefulSet"
              ]
            },
            "name": {
              "title": "Name",
              "description": "Its name.",
              "type": "string",
              "minLength": 1,
              "maxLength": 253,
              "examples": [
                "db"
              ]
            }
          },
          "examples": [
            {
              "namespace": "shop",
              "kind": "StatefulSet",
              "name": "db"
            }
          ]
        },
        "hold": {
          "title": "Hold",
          "description": "How long an alert waits at most, from when it opened.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "15m",
          "examples": [
            "15m"
          ]
        }
      },
      "examples": [
        {
          "name": "shop-db",
          "of": {
            "namespace": "shop",
            "kind": "Deployment",
            "names": [
              "cart",
              "checkout"
            ]
          },
          "on": {
            "namespace": "shop",
            "kind": "StatefulSet",
            "name": "db"
          },
          "hold": "15m"
        }
      ]
    }
  }
} as const;
