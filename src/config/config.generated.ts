// Written by scripts/generate.ts from schemas/config.schema.json. Do not edit: change the schema.
/**
 * The controller's configuration, `gitmend.yaml`. Kept apart from the config repository: no commit there can change it. Every key has an environment variable, which wins: `server.listen` is `GITMEND_SERVER_LISTEN`; lists and maps are written as YAML.
 */
export interface Config {
  /**
   * Version of this file format. A controller that meets a newer format keeps the last good revision.
   */
  format: number;
  /**
   * Where gitmend may change things. Everything else is only observed; without an entry nothing is changed.
   *
   * Items: One place where gitmend may act. All three must fit.
   */
  live: {
    /**
     * Names or globs of clusters.
     */
    clusters: string[];
    /**
     * Names or globs of namespaces; objects without one (nodes) need `*`.
     */
    namespaces: string[];
    /**
     * Plans of a higher risk are only observed.
     */
    max_risk: "low" | "medium" | "high" | "critical";
  }[];
  /**
   * The Kubernetes clusters.
   *
   * Items: One cluster and how to reach it.
   */
  clusters: {
    /**
     * How alerts, policies and records call it.
     */
    name: string;
    /**
     * Facts about it that policies may read.
     */
    labels: {
      [k: string]: string;
    };
    /**
     * Path of a kubeconfig file. Left out, and not in a cluster: the usual places.
     */
    kubeconfig?: string;
    /**
     * Context of the kubeconfig. Left out: its current one.
     */
    context?: string;
    /**
     * Use the service account of the pod that gitmend runs in.
     */
    in_cluster: boolean;
  }[];
  /**
   * Who may send alerts, each to `/webhooks/alertmanager/<name>`.
   *
   * Items: One source of alerts.
   */
  alertmanagers: {
    /**
     * Last part of its webhook address.
     */
    name: string;
    /**
     * What it must send. Left out: nothing, on loopback only.
     */
    credential?: Credential;
    /**
     * Clusters whose alerts it may deliver. Left out: all configured ones.
     *
     * @minItems 1
     */
    clusters?: string[];
    /**
     * Label that names the cluster when it delivers for several.
     */
    cluster_label: string;
    /**
     * Names or globs of the namespaces whose alerts it may deliver; alerts without one need `*`. Left out: all.
     *
     * @minItems 1
     */
    namespaces?: string[];
    /**
     * Address of its API. With it gitmend asks every minute what fires, and starts nothing for what is silenced or inhibited.
     */
    url?: string;
    /**
     * What gitmend sends to that address.
     */
    url_credential?: Credential;
  }[];
  /**
   * Who is asked whether an alert is really active before anything of risk medium or more is started for it: nobody, its Alertmanager (`url`), or `prometheus`.
   */
  confirm: "off" | "alertmanager" | "prometheus";
  /**
   * Where metrics are asked for: by `collect_metrics`, by effectiveness checks, and by `confirm`.
   *
   * Items: One Prometheus, Thanos or Mimir address.
   */
  prometheus: {
    /**
     * Address of its API, without `/api/v1`.
     */
    url: string;
    /**
     * Clusters whose metrics it has. Left out: all.
     *
     * @minItems 1
     */
    clusters?: string[];
    /**
     * What gitmend sends to it.
     */
    credential?: Credential;
  }[];
  /**
   * Git repositories with manifests that repairs may touch, by a branch that people merge. An address that a Flux or Argo CD object names is only used when it is one of these.
   *
   * Items: One repository. Its credential is sent to this address alone.
   */
  sources: {
    /**
     * https, ssh or file. No password in it.
     */
    url: string;
    /**
     * How gitmend proves who it is. It needs to push branches named `gitmend/*`, and nothing else.
     */
    credential?: GitCredential;
    /**
     * Namespaces (globs) whose objects it may hold. Left out: all.
     *
     * @minItems 1
     */
    namespaces?: string[];
    /**
     * Where its repairs are pull requests: their merge is then judged like an approval. Left out: a branch alone, which people merge as they do.
     */
    forge?: Forge;
    /**
     * Which value in which file makes a field of an object that a chart makes: your word, gitmend renders no charts. A repair of that field changes that value.
     *
     * @maxItems 1000
     *
     * Items: One field of the objects that it names, and where its value is written.
     */
    values: {
      /**
       * Folder that the owner's source names: the chart's, or the one that the HelmRelease is applied from.
       */
      path: string;
      /**
       * Kind of the objects.
       */
      kind: string;
      /**
       * Name of the objects (glob).
       */
      name: string;
      /**
       * Namespaces (globs) of the objects, when one folder is applied with several value files. Left out: all.
       *
       * @minItems 1
       */
      namespaces?: string[];
      /**
       * Path of the field, spelt as templates spell it.
       */
      field: string;
      /**
       * File of the repository that holds the value, inside of the folder or not.
       */
      file: string;
      /**
       * Path of the value in the file. Of an image: a map of the paths of its parts.
       */
      at:
        | string
        | {
            /**
             * Path of the image's name, with its registry.
             */
            repository: string;
            /**
             * Path of its tag.
             */
            tag: string;
            /**
             * Path of its digest, when the chart knows one.
             */
            digest?: string;
          };
    }[];
  }[];
  /**
   * Where templates and policies are read from. Left out: a bare repository in the data folder, filled from the shipped library.
   */
  config_repository: {
    /**
     * https, ssh or file. No password in it.
     */
    url?: string;
    /**
     * Branch that counts.
     */
    branch: string;
    /**
     * Folder that holds `templates/` and `policies/`.
     */
    path: string;
    /**
     * How often the branch head is asked for.
     */
    interval: string;
    /**
     * How gitmend proves who it is.
     */
    credential?: GitCredential;
    /**
     * Only a commit with a good SSH signature of one of these people is used; any other is a bad commit.
     */
    verify?: {
      /**
       * Path of a file as `git` reads it (`gpg.ssh.allowedSignersFile`): one principal and key a line.
       */
      allowed_signers: string;
    };
    /**
     * `owner/name` of this repository on `approvals.forge`: open pull requests into `branch` get the status `gitmend/validate` and a comment with the findings. Left out: none is looked at.
     */
    pull_requests?: string;
    /**
     * Secret of the push webhook (`/webhooks/github`, `/webhooks/gitlab`, `/webhooks/gitea`), which makes a sync immediate. Left out: they are closed.
     */
    webhook_secret?: Secret;
  };
  /**
   * Where the record of every execution goes. Always kept as a bare repository in the data folder; pushed to `url` when there is one.
   */
  audit_repository: {
    /**
     * https, ssh or file. No password in it.
     */
    url?: string;
    /**
     * Branch that is appended to.
     */
    branch: string;
    /**
     * Sign commits with an SSH key.
     */
    sign?: {
      /**
       * Path of the private key, without a passphrase.
       */
      key: string;
    };
    /**
     * How gitmend proves who it is.
     */
    credential?: GitCredential;
  };
  /**
   * Who may approve and where approvals are asked for.
   */
  approvals: {
    /**
     * Who may approve.
     *
     * Items: One approver.
     */
    people: {
      /**
       * How policies and records call this person.
       */
      id: string;
      /**
       * SSH public key that signs this person's approvals.
       */
      signer?: string;
      /**
       * This person's accounts on GitHub: several are one person.
       *
       * @minItems 1
       */
      github?: string[];
      /**
       * This person's accounts on GitLab: several are one person.
       *
       * @minItems 1
       */
      gitlab?: string[];
      /**
       * This person's accounts on Gitea or Forgejo: several are one person.
       *
       * @minItems 1
       */
      gitea?: string[];
    }[];
    /**
     * Ids of the members by team; policies say `team:sre`.
     */
    teams: {
      [k: string]: string[];
    };
    /**
     * People of `people`, and teams, who may lift the approvals that a plan waits for (`gitmend approve --break-glass`), each with the key of their `signer`. A denial, a limit, a pause and a scope are never lifted. Empty: nobody.
     */
    emergency: string[];
    /**
     * Folder of a bare Git repository where approvals are asked for. Left out: one in the data folder.
     */
    repository?: string;
    /**
     * Where requests for approval are pull requests. Left out: branches of a bare Git repository (`repository`).
     */
    forge?: Forge;
  };
  /**
   * Who must have signed a commit of the config repository that weakens a guard. Until then the stricter of the old and the new guards count. Left out: it counts at once, and is recorded.
   */
  loosening?: {
    /**
     * People and teams of `approvals`. Empty: anybody of `approvals.people`.
     */
    from: string[];
    /**
     * How many different people. One of them may have written the commit, so it takes two at least.
     */
    signatures: number;
  };
  /**
   * Guard rules, as in a policy, that are always weighed: no commit to the config repository can take them away.
   */
  floor: {
    [k: string]: unknown;
  }[];
  /**
   * What folders of the config repository may do. With an entry, what stands in no folder of the list may do nothing; without any, gitmend.yaml bounds no folder. No commit can widen a scope.
   *
   * Items: The power of one folder. Of several around a file the one with the longest path holds, alone.
   */
  scopes: {
    /**
     * Folder, from where `templates/` and `policies/` stand: `teams/shop`. `.` is the whole repository.
     */
    path: string;
    /**
     * Names or globs of namespaces; objects without one (nodes) need `*`.
     */
    namespaces: string[];
    /**
     * Names or globs of clusters.
     */
    clusters: string[];
    /**
     * Names or globs of actions, the repository's own included. What takes an allowed action back is allowed.
     */
    actions: string[];
    /**
     * Names or globs: endpoints of `http` whose credential is sent, and Kubernetes Secrets that Jobs and pipelines get.
     */
    secrets: string[];
    /**
     * Whom gitmend acts as when steps read and write, so that the API server's own rules bound them. Left out: gitmend's own account.
     */
    run_as?: {
      /**
       * `namespace/name`. Instead of `user`.
       */
      service_account?: string;
      /**
       * Name of a user, as RBAC says it.
       */
      user?: string;
      /**
       * The group of `user`, one at most: bind several roles to that one.
       *
       * @maxItems 1
       */
      groups: string[];
    };
    /**
     * Plans of a higher risk are refused.
     */
    max_risk: "low" | "medium" | "high" | "critical";
  }[];
  /**
   * PostgreSQL. Left out: an embedded one in the data folder, for one replica.
   */
  database: {
    /**
     * Connection URL. In the file it must not hold a password; `GITMEND_DATABASE_URL` may.
     */
    url?: string;
    /**
     * Password of the user in `url`.
     */
    password?: Secret;
  };
  /**
   * Optional. Replicas share facts that they asked for a moment ago, and tell each other of new events at once. It never holds the state of an execution, and everything works without it.
   */
  redis: {
    /**
     * redis:// or rediss://. In the file it must not hold a password; `GITMEND_REDIS_URL` may.
     */
    url?: string;
    /**
     * Password of the user in `url`.
     */
    password?: Secret;
  };
  /**
   * The HTTP server: webhooks, API and health.
   */
  server: {
    /**
     * Address and port; port 0 takes a free one. Anything but loopback needs a token.
     */
    listen: string;
    /**
     * Bearer token of the API. Left out: a new one at each start, in `<data folder>/controller.json`.
     */
    token?: Secret;
    /**
     * Address and port of `/metrics` alone, without a credential. Left out: `/metrics` of the server, with its token.
     */
    metrics_listen?: string;
  };
  /**
   * Where messages to people go: signed webhooks and Slack.
   */
  notifications: {
    /**
     * Channel of messages that name none.
     */
    default?: string;
    /**
     * Also send to loopback, private and link-local addresses. Needed for receivers inside the cluster.
     */
    allow_private: boolean;
    /**
     * Webhooks by name.
     */
    channels: {
      [k: string]: Channel;
    };
  };
  /**
   * Other systems that steps may call: `run_awx_job`, and the custom actions of the config repository. Nothing else is ever called, whatever the repository says.
   */
  http: {
    /**
     * Addresses by the name that actions use.
     */
    endpoints: {
      [k: string]: Endpoint;
    };
  };
  /**
   * What nothing may change, whatever a policy says. gitmend's own namespace is always among it.
   */
  protected: {
    /**
     * Names or globs of namespaces.
     */
    namespaces: string[];
  };
  /**
   * RoleBindings that gitmend remembers while they stand, so that `restore_role_binding` can put one back that is gone. Only those that give service accounts rights in their own namespace, and that nobody else puts back.
   */
  role_bindings: {
    /**
     * Names or globs of namespaces. Left out: none is remembered, and none put back.
     */
    namespaces: string[];
    /**
     * How long one must have stood unchanged, with the same rights, to be put back.
     */
    known_after: string;
  };
  /**
   * How gitmend finds whom a target belongs to: `owner.team` in expressions and `team:owner` in policies.
   */
  ownership: {
    /**
     * Label or annotation of the target, else of its namespace, that names the team.
     */
    label: string;
  };
  /**
   * Embedded database, bare Git repositories, evidence, `controller.json`. Relative to the working folder.
   */
  data_dir: string;
  /**
   * What bounds the controller itself.
   */
  limits: {
    /**
     * Largest webhook body, as a Kubernetes quantity.
     */
    body: string;
    /**
     * A firing that is not delivered again for this long starts nothing any more.
     */
    stale_after: string;
    /**
     * How long one decision waits for facts from a cluster.
     */
    fact_timeout: string;
    /**
     * How many requests one replica has under way at one API server, at most. Fewer while it answers 429 or slowly; never less than one.
     */
    api_concurrency: number;
    /**
     * By how many replicas one step may change a workload, up or down, at most. A step that would change more is refused before it writes.
     */
    replica_change: number;
    /**
     * When remedies are stopped until a person resets the breaker (`gitmend breaker reset`). It trips only where setbacks are at least half of what has ended.
     */
    breaker: {
      /**
       * One template for one alert name and target.
       */
      target: {
        /**
         * So many executions that failed or did not help trip it.
         */
        setbacks: number;
        /**
         * The time that counts; at most 7d.
         */
        per: string;
      };
      /**
       * One template in one cluster.
       */
      template: {
        /**
         * So many executions that failed or did not help trip it.
         */
        setbacks: number;
        /**
         * The time that counts; at most 7d.
         */
        per: string;
      };
      /**
       * Everything that changes something.
       */
      global: {
        /**
         * So many executions that failed or did not help trip it.
         */
        setbacks: number;
        /**
         * The time that counts; at most 7d.
         */
        per: string;
      };
    };
    /**
     * How long the first decision of an incident waits, so that it does not depend on the order in which its alerts arrive. 0s: not at all.
     */
    gather: string;
    /**
     * An alert that opens so often within the time starts nothing until it is calm; people are told once.
     */
    flapping: {
      /**
       * How often it opens.
       */
      openings: number;
      /**
       * Within which time.
       */
      window: string;
    };
    /**
     * From so many firings on that wait for a decision, deliveries without a critical alert are answered with 503, so that their Alertmanager keeps them; from twice as many on, all that open anything.
     */
    backlog: number;
  };
  /**
   * How long the database keeps what nobody needs for running. The audit repository keeps everything.
   */
  retention: {
    /**
     * Executions with all their events, by whole months: a month goes when it ended so long ago and everything in it has ended, is published and assessed. At least 30d.
     */
    executions: string;
    /**
     * Logs and manifests that steps have collected.
     */
    evidence: string;
    /**
     * Alerts that could not be read.
     */
    dead_letters: string;
    /**
     * Resolved firings and the decisions about them.
     */
    alerts: string;
    /**
     * Raw webhook bodies of alerts whose text had to be mended.
     */
    bodies: string;
  };
}
/**
 * A bearer token, or a user name with a password.
 */
export interface Credential {
  /**
   * Expected in `Authorization: Bearer`.
   */
  bearer?: Secret;
  /**
   * Expected user name and password.
   */
  basic?: {
    /**
     * Expected user name.
     */
    username: string;
    /**
     * Expected password.
     */
    password: Secret;
  };
}
/**
 * Where a secret is found; never the secret itself.
 */
export interface Secret {
  /**
   * Name of the variable that holds it.
   */
  env?: string;
  /**
   * Path of the file that holds it; white space at the end is dropped.
   */
  file?: string;
}
/**
 * A token for https or a key for ssh.
 */
export interface GitCredential {
  /**
   * User of the token. Most forges take any.
   */
  username: string;
  /**
   * Password or access token for https.
   */
  token?: Secret;
  /**
   * Path of a private key, without a passphrase.
   */
  ssh_key?: string;
  /**
   * Path of the known_hosts file that the server must be in.
   */
  known_hosts?: string;
}
/**
 * A forge with a server, and the account that gitmend has there.
 */
export interface Forge {
  /**
   * Which forge it is.
   */
  type: "github" | "gitlab" | "gitea";
  /**
   * Of its API. GitHub Enterprise: `https://<host>/api/v3`; GitLab: `https://<host>/api/v4`; Gitea, Forgejo: `https://<host>/api/v1`. https, or http on loopback.
   */
  url: string;
  /**
   * `owner/name`, on GitLab `group/…/project`. gitmend writes branches `gitmend/…` and merges nothing.
   */
  repository: string;
  /**
   * Of an account of its own. Instead of `app`.
   */
  token?: Secret;
  /**
   * A GitHub App that is installed on the repository. Instead of `token`.
   */
  app?: {
    /**
     * Of the App.
     */
    id: number;
    /**
     * Id of its installation.
     */
    installation: number;
    /**
     * Where its key is, PEM.
     */
    private_key: Secret;
  };
  /**
   * Signs what the forge sends to `/webhooks/github`: news are read at once. Left out: every minute.
   */
  webhook_secret?: Secret;
}
/**
 * One webhook.
 */
export interface Channel {
  /**
   * `webhook`: gitmend's own signed JSON. `slack`: an incoming webhook of Slack or whatever understands its format.
   */
  kind: "webhook" | "slack";
  /**
   * Where messages are posted as JSON.
   */
  url: string;
  /**
   * Key of the HMAC signature of each message.
   */
  secret?: Secret;
}
/**
 * One system that steps may call.
 */
export interface Endpoint {
  /**
   * Its address; what a step calls is below it. https, or http on loopback.
   */
  url: string;
  /**
   * What gitmend sends to it.
   */
  credential?: Credential;
  /**
   * A credential for systems that want it in a header of their own; instead of `credential`.
   */
  header?: {
    /**
     * Name of the header.
     */
    name: string;
    /**
     * Where its value is.
     */
    value: Secret;
  };
}

export const configSchema = {
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://gitmend.dev/schemas/config.schema.json",
  "title": "ConfigFile",
  "description": "The controller's configuration, `gitmend.yaml`. Kept apart from the config repository: no commit there can change it. Every key has an environment variable, which wins: `server.listen` is `GITMEND_SERVER_LISTEN`; lists and maps are written as YAML.",
  "type": "object",
  "additionalProperties": false,
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
    "live": {
      "title": "Live",
      "description": "Where gitmend may change things. Everything else is only observed; without an entry nothing is changed.",
      "type": "array",
      "items": {
        "title": "Live entry",
        "description": "One place where gitmend may act. All three must fit.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
          "clusters": {
            "title": "Clusters",
            "description": "Names or globs of clusters.",
            "type": "array",
            "items": {
              "type": "string",
              "minLength": 1
            },
            "default": [
              "*"
            ],
            "examples": [
              [
                "prod-*"
              ]
            ]
          },
          "namespaces": {
            "title": "Namespaces",
            "description": "Names or globs of namespaces; objects without one (nodes) need `*`.",
            "type": "array",
            "items": {
              "type": "string",
              "minLength": 1
            },
            "default": [
              "*"
            ],
            "examples": [
              [
                "shop"
              ]
            ]
          },
          "max_risk": {
            "title": "Highest risk",
            "description": "Plans of a higher risk are only observed.",
            "enum": [
              "low",
              "medium",
              "high",
              "critical"
            ],
            "default": "medium",
            "examples": [
              "medium"
            ]
          }
        },
        "examples": [
          {
            "clusters": [
              "prod-eu"
            ],
            "namespaces": [
              "shop"
            ],
            "max_risk": "medium"
          }
        ]
      },
      "default": [],
      "examples": [
        [
          {
            "clusters": [
              "prod-eu"
            ],
            "namespaces": [
              "shop"
            ],
            "max_risk": "medium"
          }
        ]
      ]
    },
    "clusters": {
      "title": "Clusters",
      "description": "The Kubernetes clusters.",
      "type": "array",
      "items": {
        "title": "Cluster",
        "description": "One cluster and how to reach it.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
          "name": {
            "title": "Name",
            "description": "How alerts, policies and records call it.",
            "type": "string",
            "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
            "examples": [
              "prod-eu"
            ]
          },
          "labels": {
            "title": "Labels",
            "description": "Facts about it that policies may read.",
            "type": "object",
            "additionalProperties": {
              "type": "string"
            },
            "default": {},
            "examples": [
              {
                "env": "prod"
              }
            ]
          },
          "kubeconfig": {
            "title": "Kubeconfig",
            "description": "Path of a kubeconfig file. Left out, and not in a cluster: the usual places.",
            "type": "string",
            "minLength": 1,
            "examples": [
              "/etc/gitmend/kubeconfig"
            ]
          },
          "context": {
            "title": "Context",
            "description": "Context of the kubeconfig. Left out: its current one.",
            "type": "string",
            "minLength": 1,
            "examples": [
              "prod-eu"
            ]
          },
          "in_cluster": {
            "title": "In cluster",
            "description": "Use the service account of the pod that gitmend runs in.",
            "type": "boolean",
            "default": false,
            "examples": [
              true
            ]
          }
        },
        "required": [
          "name"
        ],
        "examples": [
          {
            "name": "prod-eu",
            "labels": {
              "env": "prod"
            },
            "in_cluster": true
          }
        ]
      },
      "default": [],
      "examples": [
        [
          {
            "name": "prod-eu",
            "labels": {
              "env": "prod"
            },
            "in_cluster": true
          }
        ]
      ]
    },
    "alertmanagers": {
      "title": "Alertmanagers",
      "description": "Who may send alerts, each to `/webhooks/alertmanager/<name>`.",
      "type": "array",
      "items": {
        "title": "Alertmanager",
        "description": "One source of alerts.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
          "name": {
            "title": "Name",
            "description": "Last part of its webhook address.",
            "type": "string",
            "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
            "examples": [
              "prod-eu"
            ]
          },
          "credential": {
            "title": "Credential",
            "description": "What it must send. Left out: nothing, on loopback only.",
            "allOf": [
              {
                "$ref": "#/definitions/credential"
              }
            ],
            "examples": [
              {
                "bearer": {
                  "env": "ALERTMANAGER_TOKEN"
                }
              }
            ]
          },
          "clusters": {
            "title": "Clusters",
            "description": "Clusters whose alerts it may deliver. Left out: all configured ones.",
            "type": "array",
            "items": {
              "type": "string",
              "minLength": 1
            },
            "minItems": 1,
            "examples": [
              [
                "prod-eu"
              ]
            ]
          },
          "cluster_label": {
            "title": "Cluster label",
            "description": "Label that names the cluster when it delivers for several.",
            "type": "string",
            "minLength": 1,
            "default": "cluster",
            "examples": [
              "cluster"
            ]
          },
          "namespaces": {
            "title": "Namespaces",
            "description": "Names or globs of the namespaces whose alerts it may deliver; alerts without one need `*`. Left out: all.",
            "type": "array",
            "items": {
              "type": "string",
              "minLength": 1
            },
            "minItems": 1,
            "examples": [
              [
                "shop-*"
              ]
            ]
          },
          "url": {
            "title": "URL",
            "description": "Address of its API. With it gitmend asks every minute what fires, and starts nothing for what is silenced or inhibited.",
            "type": "string",
            "pattern": "^https?://",
            "examples": [
              "http://alertmanager.monitoring:9093"
            ]
          },
          "url_credential": {
            "title": "URL credential",
            "description": "What gitmend sends to that address.",
            "allOf": [
              {
                "$ref": "#/definitions/credential"
              }
            ],
            "examples": [
              {
                "bearer": {
                  "env": "ALERTMANAGER_API_TOKEN"
                }
              }
            ]
          }
        },
        "required": [
          "name"
        ],
        "examples": [
          {
            "name": "prod-eu",
            "clusters": [
              "prod-eu"
            ]
          }
        ]
      },
      "default": [],
      "examples": [
        [
          {
            "name": "prod-eu",
            "credential": {
              "bearer": {
                "env": "ALERTMANAGER_TOKEN"
              }
            },
            "clusters": [
              "prod-eu"
            ]
          }
        ]
      ]
    },
    "confirm": {
      "title": "Confirm",
      "description": "Who is asked whether an alert is really active before anything of risk medium or more is started for it: nobody, its Alertmanager (`url`), or `prometheus`.",
      "enum": [
        "off",
        "alertmanager",
        "prometheus"
      ],
      "default": "off",
      "examples": [
        "alertmanager"
      ]
    },
    "prometheus": {
      "title": "Prometheus",
      "description": "Where metrics are asked for: by `collect_metrics`, by effectiveness checks, and by `confirm`.",
      "type": "array",
      "items": {
        "title": "Prometheus server",
        "description": "One Prometheus, Thanos or Mimir address.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
          "url": {
            "title": "URL",
            "description": "Address of its API, without `/api/v1`.",
            "type": "string",
            "pattern": "^https?://",
            "examples": [
              "http://prometheus.monitoring:9090"
            ]
          },
          "clusters": {
            "title": "Clusters",
            "description": "Clusters whose metrics it has. Left out: all.",
            "type": "array",
            "items": {
              "type": "string",
              "minLength": 1
            },
            "minItems": 1,
            "examples": [
              [
                "prod-eu"
              ]
            ]
          },
          "credential": {
            "title": "Credential",
            "description": "What gitmend sends to it.",
            "allOf": [
              {
                "$ref": "#/definitions/credential"
              }
            ],
            "examples": [
              {
                "bearer": {
                  "env": "PROMETHEUS_TOKEN"
                }
              }
            ]
          }
        },
        "required": [
          "url"
        ],
        "examples": [
          {
            "url": "http://prometheus.monitoring:9090"
          }
        ]
      },
      "default": [],
      "examples": [
        [
          {
            "url": "http://prometheus.monitoring:9090",
            "clusters": [
              "prod-eu"
            ]
          }
        ]
      ]
    },
    "sources": {
      "title": "Sources",
      "description": "Git repositories with manifests that repairs may touch, by a branch that people merge. An address that a Flux or Argo CD object names is only used when it is one of these.",
      "type": "array",
      "items": {
        "title": "Source repository",
        "description": "One repository. Its credential is sent to this address alone.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
          "url": {
            "title": "URL",
            "description": "https, ssh or file. No password in it.",
            "type": "string",
            "minLength": 1,
            "examples": [
              "https://git.example.org/shop/deploy.git"
            ]
          },
          "credential": {
            "title": "Credential",
            "description": "How gitmend proves who it is. It needs to push branches named `gitmend/*`, and nothing else.",
            "allOf": [
              {
                "$ref": "#/definitions/gitCredential"
              }
            ],
            "examples": [
              {
                "token": {
                  "env": "SHOP_DEPLOY_TOKEN"
                }
              }
            ]
          },
          "namespaces": {
            "title": "Namespaces",
            "description": "Namespaces (globs) whose objects it may hold. Left out: all.",
            "type": "array",
            "items": {
              "type": "string",
              "minLength": 1
            },
            "minItems": 1,
            "examples": [
              [
                "shop",
                "shop-*"
              ]
            ]
          },
          "forge": {
            "title": "Forge",
            "description": "Where its repairs are pull requests: their merge is then judged like an approval. Left out: a branch alone, which people merge as they do.",
            "allOf": [
              {
                "$ref": "#/definitions/forge"
              }
            ],
            "examples": [
              {
                "type": "github",
                "repository": "shop/deploy",
                "token": {
                  "env": "GITHUB_TOKEN"
                }
              }
            ]
          },
          "values": {
            "title": "Values",
            "description": "Which value in which file makes a field of an object that a chart makes: your word, gitmend renders no charts. A repair of that field changes that value.",
            "type": "array",
            "maxItems": 1000,
            "items": {
              "title": "Mapped value",
              "description": "One field of the objects that it names, and where its value is written.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "path": {
                  "title": "Path",
                  "description": "Folder that the owner's source names: the chart's, or the one that the HelmRelease is applied from.",
                  "type": "string",
                  "pattern": "^(?!/)(?!(.*/)?\\.\\.(/|$))",
                  "examples": [
                    "charts/api"
                  ]
                },
                "kind": {
                  "title": "Kind",
                  "description": "Kind of the objects.",
                  "type": "string",
                  "minLength": 1,
                  "examples": [
                    "Deployment"
                  ]
                },
                "name": {
                  "title": "Name",
                  "description": "Name of the objects (glob).",
                  "type": "string",
                  "minLength": 1,
                  "examples": [
                    "api"
                  ]
                },
                "namespaces": {
                  "title": "Namespaces",
                  "description": "Namespaces (globs) of the objects, when one folder is applied with several value files. Left out: all.",
                  "type": "array",
                  "items": {
                    "type": "string",
                    "minLength": 1
                  },
                  "minItems": 1,
                  "examples": [
                    [
                      "shop-prod"
                    ]
                  ]
                },
                "field": {
                  "title": "Field",
                  "description": "Path of the field, spelt as templates spell it.",
                  "type": "string",
                  "minLength": 1,
                  "pattern": "^/.",
                  "examples": [
                    "/spec/replicas"
                  ]
                },
                "file": {
                  "title": "File",
                  "description": "File of the repository that holds the value, inside of the folder or not.",
                  "type": "string",
                  "minLength": 1,
                  "pattern": "^(?!/)(?!(.*/)?\\.\\.(/|$))",
                  "examples": [
                    "charts/api/values-prod.yaml"
                  ]
                },
                "at": {
                  "title": "At",
                  "description": "Path of the value in the file. Of an image: a map of the paths of its parts.",
                  "type": [
                    "string",
                    "object"
                  ],
                  "pattern": "^/.",
                  "additionalProperties": false,
                  "properties": {
                    "repository": {
                      "title": "Repository",
                      "description": "Path of the image's name, with its registry.",
                      "type": "string",
                      "minLength": 1,
                      "pattern": "^/.",
                      "examples": [
                        "/image/repository"
                      ]
                    },
                    "tag": {
                      "title": "Tag",
                      "description": "Path of its tag.",
                      "type": "string",
                      "minLength": 1,
                      "pattern": "^/.",
                      "examples": [
                        "/image/tag"
                      ]
                    },
                    "digest": {
                      "title": "Digest",
                      "description": "Path of its digest, when the chart knows one.",
                      "type": "string",
                      "minLength": 1,
                      "pattern": "^/.",
                      "examples": [
                        "/image/digest"
                      ]
                    }
                  },
                  "required": [
                    "repository",
                    "tag"
                  ],
                  "examples": [
                    "/replicaCount",
                    {
                      "repository": "/image/repository",
                      "tag": "/image/tag"
                    }
                  ]
                }
              },
              "required": [
                "path",
                "kind",
                "name",
                "field",
                "file",
                "at"
              ],
              "examples": [
                {
                  "path": "charts/api",
                  "kind": "Deployment",
                  "name": "api",
                  "field": "/spec/replicas",
                  "file": "charts/api/values-prod.yaml",
                  "at": "/replicaCount"
                }
              ]
            },
            "default": [],
            "examples": [
              [
                {
                  "path": "charts/api",
                  "kind": "Deployment",
                  "name": "api",
                  "field": "/spec/replicas",
                  "file": "charts/api/values-prod.yaml",
                  "at": "/replicaCount"
                }
              ]
            ]
          }
        },
        "required": [
          "url"
        ],
        "examples": [
          {
            "url": "https://git.example.org/shop/deploy.git"
          }
        ]
      },
      "default": [],
      "examples": [
        [
          {
            "url": "https://git.example.org/shop/deploy.git",
            "credential": {
              "token": {
                "env": "SHOP_DEPLOY_TOKEN"
              }
            },
            "namespaces": [
              "shop"
            ]
          }
        ]
      ]
    },
    "config_repository": {
      "title": "Config repository",
      "description": "Where templates and policies are read from. Left out: a bare repository in the data folder, filled from the shipped library.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "url": {
          "title": "URL",
          "description": "https, ssh or file. No password in it.",
          "type": "string",
          "minLength": 1,
          "examples": [
            "https://git.example.org/platform/remediation.git"
          ]
        },
        "branch": {
          "title": "Branch",
          "description": "Branch that counts.",
          "type": "string",
          "minLength": 1,
          "default": "main",
          "examples": [
            "main"
          ]
        },
        "path": {
          "title": "Path",
          "description": "Folder that holds `templates/` and `policies/`.",
          "type": "string",
          "default": ".",
          "examples": [
            "clusters/prod"
          ]
        },
        "interval": {
          "title": "Interval",
          "description": "How often the branch head is asked for.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "30s",
          "examples": [
            "30s"
          ]
        },
        "credential": {
          "title": "Credential",
          "description": "How gitmend proves who it is.",
          "allOf": [
            {
              "$ref": "#/definitions/gitCredential"
            }
          ],
          "examples": [
            {
              "token": {
                "env": "GITMEND_GIT_TOKEN"
              }
            }
          ]
        },
        "verify": {
          "title": "Verify",
          "description": "Only a commit with a good SSH signature of one of these people is used; any other is a bad commit.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "allowed_signers": {
              "title": "Allowed signers",
              "description": "Path of a file as `git` reads it (`gpg.ssh.allowedSignersFile`): one principal and key a line.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "/etc/gitmend/allowed_signers"
              ]
            }
          },
          "required": [
            "allowed_signers"
          ],
          "examples": [
            {
              "allowed_signers": "/etc/gitmend/allowed_signers"
            }
          ]
        },
        "pull_requests": {
          "title": "Pull requests",
          "description": "`owner/name` of this repository on `approvals.forge`: open pull requests into `branch` get the status `gitmend/validate` and a comment with the findings. Left out: none is looked at.",
          "type": "string",
          "pattern": "^[A-Za-z0-9][-._A-Za-z0-9]*(/[-._A-Za-z0-9]+)+$",
          "examples": [
            "example/remediation"
          ]
        },
        "webhook_secret": {
          "title": "Webhook secret",
          "description": "Secret of the push webhook (`/webhooks/github`, `/webhooks/gitlab`, `/webhooks/gitea`), which makes a sync immediate. Left out: they are closed.",
          "allOf": [
            {
              "$ref": "#/definitions/secret"
            }
          ],
          "examples": [
            {
              "env": "GITMEND_PUSH_SECRET"
            }
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "url": "https://git.example.org/platform/remediation.git",
          "branch": "main"
        }
      ]
    },
    "audit_repository": {
      "title": "Audit repository",
      "description": "Where the record of every execution goes. Always kept as a bare repository in the data folder; pushed to `url` when there is one.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "url": {
          "title": "URL",
          "description": "https, ssh or file. No password in it.",
          "type": "string",
          "minLength": 1,
          "examples": [
            "ssh://git@git.example.org/platform/audit.git"
          ]
        },
        "branch": {
          "title": "Branch",
          "description": "Branch that is appended to.",
          "type": "string",
          "minLength": 1,
          "default": "audit",
          "examples": [
            "audit"
          ]
        },
        "sign": {
          "title": "Sign",
          "description": "Sign commits with an SSH key.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "key": {
              "title": "Key",
              "description": "Path of the private key, without a passphrase.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "/run/secrets/gitmend-signing"
              ]
            }
          },
          "required": [
            "key"
          ],
          "examples": [
            {
              "key": "/run/secrets/gitmend-signing"
            }
          ]
        },
        "credential": {
          "title": "Credential",
          "description": "How gitmend proves who it is.",
          "allOf": [
            {
              "$ref": "#/definitions/gitCredential"
            }
          ],
          "examples": [
            {
              "token": {
                "env": "GITMEND_GIT_TOKEN"
              }
            }
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "url": "ssh://git@git.example.org/platform/audit.git",
          "branch": "audit"
        }
      ]
    },
    "approvals": {
      "title": "Approvals",
      "description": "Who may approve and where approvals are asked for.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "people": {
          "title": "People",
          "description": "Who may approve.",
          "type": "array",
          "items": {
            "title": "Person",
            "description": "One approver.",
            "type": "object",
            "additionalProperties": false,
            "properties": {
              "id": {
                "title": "Id",
                "description": "How policies and records call this person.",
                "type": "string",
                "pattern": "^[A-Za-z0-9][-._A-Za-z0-9]{0,62}$",
                "examples": [
                  "ana"
                ]
              },
              "signer": {
                "title": "Signer",
                "description": "SSH public key that signs this person's approvals.",
                "type": "string",
                "minLength": 1,
                "examples": [
                  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample ana"
                ]
              },
              "github": {
                "title": "GitHub accounts",
                "description": "This person's accounts on GitHub: several are one person.",
                "type": "array",
                "items": {
                  "type": "string",
                  "minLength": 1
                },
                "minItems": 1,
                "uniqueItems": true,
                "examples": [
                  [
                    "ana-example"
                  ]
                ]
              },
              "gitlab": {
                "title": "GitLab accounts",
                "description": "This person's accounts on GitLab: several are one person.",
                "type": "array",
                "items": {
                  "type": "string",
                  "minLength": 1
                },
                "minItems": 1,
                "uniqueItems": true,
                "examples": [
                  [
                    "ana-example"
                  ]
                ]
              },
              "gitea": {
                "title": "Gitea accounts",
                "description": "This person's accounts on Gitea or Forgejo: several are one person.",
                "type": "array",
                "items": {
                  "type": "string",
                  "minLength": 1
                },
                "minItems": 1,
                "uniqueItems": true,
                "examples": [
                  [
                    "ana-example"
                  ]
                ]
              }
            },
            "required": [
              "id"
            ],
            "examples": [
              {
                "id": "ana",
                "signer": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample ana"
              }
            ]
          },
          "default": [],
          "examples": [
            [
              {
                "id": "ana",
                "signer": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample ana"
              }
            ]
          ]
        },
        "teams": {
          "title": "Teams",
          "description": "Ids of the members by team; policies say `team:sre`.",
          "type": "object",
          "additionalProperties": {
            "type": "array",
            "items": {
              "type": "string"
            },
            "uniqueItems": true
          },
          "default": {},
          "examples": [
            {
              "sre": [
                "ana",
                "ben"
              ]
            }
          ]
        },
        "emergency": {
          "title": "Emergency",
          "description": "People of `people`, and teams, who may lift the approvals that a plan waits for (`gitmend approve --break-glass`), each with the key of their `signer`. A denial, a limit, a pause and a scope are never lifted. Empty: nobody.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1
          },
          "uniqueItems": true,
          "default": [],
          "examples": [
            [
              "ana",
              "team:sre"
            ]
          ]
        },
        "repository": {
          "title": "Repository",
          "description": "Folder of a bare Git repository where approvals are asked for. Left out: one in the data folder.",
          "type": "string",
          "minLength": 1,
          "examples": [
            "/srv/git/approvals.git"
          ]
        },
        "forge": {
          "title": "Forge",
          "description": "Where requests for approval are pull requests. Left out: branches of a bare Git repository (`repository`).",
          "allOf": [
            {
              "$ref": "#/definitions/forge"
            }
          ],
          "examples": [
            {
              "type": "github",
              "repository": "example/approvals",
              "token": {
                "env": "GITHUB_TOKEN"
              }
            }
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "people": [
            {
              "id": "ana"
            }
          ],
          "teams": {
            "sre": [
              "ana"
            ]
          }
        }
      ]
    },
    "loosening": {
      "title": "Loosening",
      "description": "Who must have signed a commit of the config repository that weakens a guard. Until then the stricter of the old and the new guards count. Left out: it counts at once, and is recorded.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "from": {
          "title": "From",
          "description": "People and teams of `approvals`. Empty: anybody of `approvals.people`.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1
          },
          "uniqueItems": true,
          "default": [],
          "examples": [
            [
              "team:sre"
            ]
          ]
        },
        "signatures": {
          "title": "Signatures",
          "description": "How many different people. One of them may have written the commit, so it takes two at least.",
          "type": "integer",
          "minimum": 2,
          "maximum": 20,
          "default": 2,
          "examples": [
            2
          ]
        }
      },
      "examples": [
        {
          "from": [
            "team:sre"
          ],
          "signatures": 2
        }
      ]
    },
    "floor": {
      "title": "Floor",
      "description": "Guard rules, as in a policy, that are always weighed: no commit to the config repository can take them away.",
      "type": "array",
      "items": {
        "type": "object"
      },
      "default": [],
      "examples": [
        [
          {
            "name": "prod-asks",
            "when": "plan.namespaces.exists(n, n.startsWith('prod-'))",
            "event": {
              "type": "require-approval",
              "params": {
                "approvals": 1
              }
            }
          }
        ]
      ]
    },
    "scopes": {
      "title": "Scopes",
      "description": "What folders of the config repository may do. With an entry, what stands in no folder of the list may do nothing; without any, gitmend.yaml bounds no folder. No commit can widen a scope.",
      "type": "array",
      "items": {
        "title": "Scope",
        "description": "The power of one folder. Of several around a file the one with the longest path holds, alone.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
          "path": {
            "title": "Path",
            "description": "Folder, from where `templates/` and `policies/` stand: `teams/shop`. `.` is the whole repository.",
            "type": "string",
            "examples": [
              "teams/shop"
            ]
          },
          "namespaces": {
            "title": "Namespaces",
            "description": "Names or globs of namespaces; objects without one (nodes) need `*`.",
            "type": "array",
            "items": {
              "type": "string",
              "minLength": 1
            },
            "examples": [
              [
                "shop",
                "shop-*"
              ]
            ]
          },
          "clusters": {
            "title": "Clusters",
            "description": "Names or globs of clusters.",
            "type": "array",
            "items": {
              "type": "string",
              "minLength": 1
            },
            "default": [
              "*"
            ],
            "examples": [
              [
                "prod-*"
              ]
            ]
          },
          "actions": {
            "title": "Actions",
            "description": "Names or globs of actions, the repository's own included. What takes an allowed action back is allowed.",
            "type": "array",
            "items": {
              "type": "string",
              "minLength": 1
            },
            "default": [
              "*"
            ],
            "examples": [
              [
                "restart_deployment",
                "collect_*"
              ]
            ]
          },
          "secrets": {
            "title": "Secrets",
            "description": "Names or globs: endpoints of `http` whose credential is sent, and Kubernetes Secrets that Jobs and pipelines get.",
            "type": "array",
            "items": {
              "type": "string",
              "minLength": 1
            },
            "default": [],
            "examples": [
              [
                "shop-ci"
              ]
            ]
          },
          "run_as": {
            "title": "Run as",
            "description": "Whom gitmend acts as when steps read and write, so that the API server's own rules bound them. Left out: gitmend's own account.",
            "type": "object",
            "additionalProperties": false,
            "properties": {
              "service_account": {
                "title": "Service account",
                "description": "`namespace/name`. Instead of `user`.",
                "type": "string",
                "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$",
                "examples": [
                  "shop/remediator"
                ]
              },
              "user": {
                "title": "User",
                "description": "Name of a user, as RBAC says it.",
                "type": "string",
                "pattern": "^[\\x21-\\x7e]{1,253}$",
                "examples": [
                  "gitmend-shop"
                ]
              },
              "groups": {
                "title": "Groups",
                "description": "The group of `user`, one at most: bind several roles to that one.",
                "type": "array",
                "items": {
                  "type": "string",
                  "pattern": "^[\\x21-\\x7e]{1,253}$"
                },
                "maxItems": 1,
                "default": [],
                "examples": [
                  [
                    "shop-remediation"
                  ]
                ]
              }
            },
            "examples": [
              {
                "service_account": "shop/remediator"
              }
            ]
          },
          "max_risk": {
            "title": "Highest risk",
            "description": "Plans of a higher risk are refused.",
            "enum": [
              "low",
              "medium",
              "high",
              "critical"
            ],
            "default": "medium",
            "examples": [
              "medium"
            ]
          }
        },
        "required": [
          "path",
          "namespaces"
        ],
        "examples": [
          {
            "path": "teams/shop",
            "namespaces": [
              "shop"
            ],
            "run_as": {
              "service_account": "shop/remediator"
            }
          }
        ]
      },
      "default": [],
      "examples": [
        [
          {
            "path": ".",
            "namespaces": [
              "*"
            ],
            "secrets": [
              "*"
            ],
            "max_risk": "critical"
          },
          {
            "path": "teams/shop",
            "namespaces": [
              "shop",
              "shop-*"
            ],
            "actions": [
              "restart_*",
              "rollback_deployment",
              "collect_*"
            ],
            "run_as": {
              "service_account": "shop/remediator"
            }
          }
        ]
      ]
    },
    "database": {
      "title": "Database",
      "description": "PostgreSQL. Left out: an embedded one in the data folder, for one replica.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "url": {
          "title": "URL",
          "description": "Connection URL. In the file it must not hold a password; `GITMEND_DATABASE_URL` may.",
          "type": "string",
          "minLength": 1,
          "examples": [
            "postgresql://gitmend@db.example.org:5432/gitmend"
          ]
        },
        "password": {
          "title": "Password",
          "description": "Password of the user in `url`.",
          "allOf": [
            {
              "$ref": "#/definitions/secret"
            }
          ],
          "examples": [
            {
              "file": "/run/secrets/database-password"
            }
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "url": "postgresql://gitmend@db.example.org/gitmend",
          "password": {
            "env": "PGPASSWORD"
          }
        }
      ]
    },
    "redis": {
      "title": "Redis",
      "description": "Optional. Replicas share facts that they asked for a moment ago, and tell each other of new events at once. It never holds the state of an execution, and everything works without it.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "url": {
          "title": "URL",
          "description": "redis:// or rediss://. In the file it must not hold a password; `GITMEND_REDIS_URL` may.",
          "type": "string",
          "pattern": "^rediss?://",
          "examples": [
            "redis://redis.example.org:6379"
          ]
        },
        "password": {
          "title": "Password",
          "description": "Password of the user in `url`.",
          "allOf": [
            {
              "$ref": "#/definitions/secret"
            }
          ],
          "examples": [
            {
              "file": "/run/secrets/redis-password"
            }
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "url": "redis://redis.example.org:6379"
        }
      ]
    },
    "server": {
      "title": "Server",
      "description": "The HTTP server: webhooks, API and health.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "listen": {
          "title": "Listen",
          "description": "Address and port; port 0 takes a free one. Anything but loopback needs a token.",
          "type": "string",
          "pattern": "^(\\[[0-9a-fA-F:.]+\\]|[^:\\s]*):[0-9]{1,5}$",
          "default": "127.0.0.1:8080",
          "examples": [
            "127.0.0.1:8080"
          ]
        },
        "token": {
          "title": "Token",
          "description": "Bearer token of the API. Left out: a new one at each start, in `<data folder>/controller.json`.",
          "allOf": [
            {
              "$ref": "#/definitions/secret"
            }
          ],
          "examples": [
            {
              "file": "/run/secrets/gitmend-token"
            }
          ]
        },
        "metrics_listen": {
          "title": "Metrics address",
          "description": "Address and port of `/metrics` alone, without a credential. Left out: `/metrics` of the server, with its token.",
          "type": "string",
          "pattern": "^(\\[[0-9a-fA-F:.]+\\]|[^:\\s]*):[0-9]{1,5}$",
          "examples": [
            "0.0.0.0:9090"
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "listen": "0.0.0.0:8080",
          "token": {
            "file": "/run/secrets/gitmend-token"
          }
        }
      ]
    },
    "notifications": {
      "title": "Notifications",
      "description": "Where messages to people go: signed webhooks and Slack.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "default": {
          "title": "Default",
          "description": "Channel of messages that name none.",
          "type": "string",
          "minLength": 1,
          "examples": [
            "sre"
          ]
        },
        "allow_private": {
          "title": "Allow private addresses",
          "description": "Also send to loopback, private and link-local addresses. Needed for receivers inside the cluster.",
          "type": "boolean",
          "default": false,
          "examples": [
            true
          ]
        },
        "channels": {
          "title": "Channels",
          "description": "Webhooks by name.",
          "type": "object",
          "additionalProperties": {
            "$ref": "#/definitions/channel"
          },
          "default": {},
          "examples": [
            {
              "sre": {
                "url": "https://chat.example.org/hooks/sre"
              }
            }
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "default": "sre",
          "channels": {
            "sre": {
              "url": "https://chat.example.org/hooks/sre"
            }
          }
        }
      ]
    },
    "http": {
      "title": "HTTP",
      "description": "Other systems that steps may call: `run_awx_job`, and the custom actions of the config repository. Nothing else is ever called, whatever the repository says.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "endpoints": {
          "title": "Endpoints",
          "description": "Addresses by the name that actions use.",
          "type": "object",
          "propertyNames": {
            "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
          },
          "additionalProperties": {
            "$ref": "#/definitions/endpoint"
          },
          "default": {},
          "examples": [
            {
              "awx": {
                "url": "https://awx.example.org",
                "credential": {
                  "bearer": {
                    "env": "AWX_TOKEN"
                  }
                }
              }
            }
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "endpoints": {
            "awx": {
              "url": "https://awx.example.org"
            }
          }
        }
      ]
    },
    "protected": {
      "title": "Protected",
      "description": "What nothing may change, whatever a policy says. gitmend's own namespace is always among it.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "namespaces": {
          "title": "Namespaces",
          "description": "Names or globs of namespaces.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1
          },
          "default": [
            "kube-system",
            "kube-public",
            "kube-node-lease"
          ],
          "examples": [
            [
              "kube-system"
            ]
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "namespaces": [
            "kube-system"
          ]
        }
      ]
    },
    "role_bindings": {
      "title": "RoleBindings",
      "description": "RoleBindings that gitmend remembers while they stand, so that `restore_role_binding` can put one back that is gone. Only those that give service accounts rights in their own namespace, and that nobody else puts back.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "namespaces": {
          "title": "Namespaces",
          "description": "Names or globs of namespaces. Left out: none is remembered, and none put back.",
          "type": "array",
          "items": {
            "type": "string",
            "minLength": 1
          },
          "default": [],
          "examples": [
            [
              "shop"
            ]
          ]
        },
        "known_after": {
          "title": "Known after",
          "description": "How long one must have stood unchanged, with the same rights, to be put back.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "24h",
          "examples": [
            "24h"
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "namespaces": [
            "shop"
          ]
        }
      ]
    },
    "ownership": {
      "title": "Ownership",
      "description": "How gitmend finds whom a target belongs to: `owner.team` in expressions and `team:owner` in policies.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "label": {
          "title": "Label",
          "description": "Label or annotation of the target, else of its namespace, that names the team.",
          "type": "string",
          "minLength": 1,
          "maxLength": 317,
          "default": "gitmend.dev/owner",
          "examples": [
            "gitmend.dev/owner"
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "label": "team"
        }
      ]
    },
    "data_dir": {
      "title": "Data folder",
      "description": "Embedded database, bare Git repositories, evidence, `controller.json`. Relative to the working folder.",
      "type": "string",
      "minLength": 1,
      "default": ".gitmend",
      "examples": [
        "/var/lib/gitmend"
      ]
    },
    "limits": {
      "title": "Limits",
      "description": "What bounds the controller itself.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "body": {
          "title": "Body",
          "description": "Largest webhook body, as a Kubernetes quantity.",
          "type": "string",
          "pattern": "^[0-9]+(k|M|Ki|Mi)?$",
          "default": "16Mi",
          "examples": [
            "16Mi"
          ]
        },
        "stale_after": {
          "title": "Stale after",
          "description": "A firing that is not delivered again for this long starts nothing any more.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "12h",
          "examples": [
            "12h"
          ]
        },
        "fact_timeout": {
          "title": "Fact timeout",
          "description": "How long one decision waits for facts from a cluster.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "5s",
          "examples": [
            "5s"
          ]
        },
        "api_concurrency": {
          "title": "Requests at once",
          "description": "How many requests one replica has under way at one API server, at most. Fewer while it answers 429 or slowly; never less than one.",
          "type": "integer",
          "minimum": 1,
          "maximum": 1000,
          "default": 50,
          "examples": [
            50
          ]
        },
        "replica_change": {
          "title": "Replica change",
          "description": "By how many replicas one step may change a workload, up or down, at most. A step that would change more is refused before it writes.",
          "type": "integer",
          "minimum": 1,
          "maximum": 1000,
          "default": 20,
          "examples": [
            20
          ]
        },
        "breaker": {
          "title": "Breaker",
          "description": "When remedies are stopped until a person resets the breaker (`gitmend breaker reset`). It trips only where setbacks are at least half of what has ended.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "target": {
              "title": "Target",
              "description": "One template for one alert name and target.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "setbacks": {
                  "title": "Setbacks",
                  "description": "So many executions that failed or did not help trip it.",
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 100000,
                  "default": 3,
                  "examples": [
                    3
                  ]
                },
                "per": {
                  "title": "Per",
                  "description": "The time that counts; at most 7d.",
                  "type": "string",
                  "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
                  "default": "24h",
                  "examples": [
                    "24h"
                  ]
                }
              },
              "default": {},
              "examples": [
                {
                  "setbacks": 3,
                  "per": "24h"
                }
              ]
            },
            "template": {
              "title": "Template",
              "description": "One template in one cluster.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "setbacks": {
                  "title": "Setbacks",
                  "description": "So many executions that failed or did not help trip it.",
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 100000,
                  "default": 10,
                  "examples": [
                    10
                  ]
                },
                "per": {
                  "title": "Per",
                  "description": "The time that counts; at most 7d.",
                  "type": "string",
                  "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
                  "default": "1h",
                  "examples": [
                    "1h"
                  ]
                }
              },
              "default": {},
              "examples": [
                {
                  "setbacks": 10,
                  "per": "1h"
                }
              ]
            },
            "global": {
              "title": "Global",
              "description": "Everything that changes something.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "setbacks": {
                  "title": "Setbacks",
                  "description": "So many executions that failed or did not help trip it.",
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 100000,
                  "default": 20,
                  "examples": [
                    20
                  ]
                },
                "per": {
                  "title": "Per",
                  "description": "The time that counts; at most 7d.",
                  "type": "string",
                  "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
                  "default": "10m",
                  "examples": [
                    "10m"
                  ]
                }
              },
              "default": {},
              "examples": [
                {
                  "setbacks": 20,
                  "per": "10m"
                }
              ]
            }
          },
          "default": {},
          "examples": [
            {
              "target": {
                "setbacks": 3,
                "per": "24h"
              }
            }
          ]
        },
        "gather": {
          "title": "Gather",
          "description": "How long the first decision of an incident waits, so that it does not depend on the order in which its alerts arrive. 0s: not at all.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "30s",
          "examples": [
            "30s"
          ]
        },
        "flapping": {
          "title": "Flapping",
          "description": "An alert that opens so often within the time starts nothing until it is calm; people are told once.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "openings": {
              "title": "Openings",
              "description": "How often it opens.",
              "type": "integer",
              "minimum": 2,
              "maximum": 1000,
              "default": 5,
              "examples": [
                5
              ]
            },
            "window": {
              "title": "Window",
              "description": "Within which time.",
              "type": "string",
              "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
              "default": "1h",
              "examples": [
                "1h"
              ]
            }
          },
          "default": {},
          "examples": [
            {
              "openings": 5,
              "window": "1h"
            }
          ]
        },
        "backlog": {
          "title": "Backlog",
          "description": "From so many firings on that wait for a decision, deliveries without a critical alert are answered with 503, so that their Alertmanager keeps them; from twice as many on, all that open anything.",
          "type": "integer",
          "minimum": 1,
          "maximum": 10000000,
          "default": 20000,
          "examples": [
            20000
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "body": "16Mi",
          "stale_after": "12h"
        }
      ]
    },
    "retention": {
      "title": "Retention",
      "description": "How long the database keeps what nobody needs for running. The audit repository keeps everything.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "executions": {
          "title": "Executions",
          "description": "Executions with all their events, by whole months: a month goes when it ended so long ago and everything in it has ended, is published and assessed. At least 30d.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "400d",
          "examples": [
            "400d"
          ]
        },
        "evidence": {
          "title": "Evidence",
          "description": "Logs and manifests that steps have collected.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "30d",
          "examples": [
            "30d"
          ]
        },
        "dead_letters": {
          "title": "Dead letters",
          "description": "Alerts that could not be read.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "30d",
          "examples": [
            "30d"
          ]
        },
        "alerts": {
          "title": "Alerts",
          "description": "Resolved firings and the decisions about them.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "90d",
          "examples": [
            "90d"
          ]
        },
        "bodies": {
          "title": "Bodies",
          "description": "Raw webhook bodies of alerts whose text had to be mended.",
          "type": "string",
          "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
          "default": "24h",
          "examples": [
            "24h"
          ]
        }
      },
      "default": {},
      "examples": [
        {
          "evidence": "30d"
        }
      ]
    }
  },
  "definitions": {
    "forge": {
      "title": "Forge",
      "description": "A forge with a server, and the account that gitmend has there.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "type": {
          "title": "Type",
          "description": "Which forge it is.",
          "type": "string",
          "enum": [
            "github",
            "gitlab",
            "gitea"
          ],
          "examples": [
            "github"
          ]
        },
        "url": {
          "title": "URL",
          "description": "Of its API. GitHub Enterprise: `https://<host>/api/v3`; GitLab: `https://<host>/api/v4`; Gitea, Forgejo: `https://<host>/api/v1`. https, or http on loopback.",
          "type": "string",
          "pattern": "^(https://|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])([:/]|$))[^\\s?#]*$",
          "default": "https://api.github.com",
          "examples": [
            "https://github.example.org/api/v3"
          ]
        },
        "repository": {
          "title": "Repository",
          "description": "`owner/name`, on GitLab `group/…/project`. gitmend writes branches `gitmend/…` and merges nothing.",
          "type": "string",
          "pattern": "^[A-Za-z0-9][-._A-Za-z0-9]*(/[-._A-Za-z0-9]+)+$",
          "examples": [
            "example/approvals"
          ]
        },
        "token": {
          "title": "Token",
          "description": "Of an account of its own. Instead of `app`.",
          "allOf": [
            {
              "$ref": "#/definitions/secret"
            }
          ],
          "examples": [
            {
              "env": "GITHUB_TOKEN"
            }
          ]
        },
        "app": {
          "title": "App",
          "description": "A GitHub App that is installed on the repository. Instead of `token`.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "id": {
              "title": "Id",
              "description": "Of the App.",
              "type": "integer",
              "minimum": 1,
              "examples": [
                123456
              ]
            },
            "installation": {
              "title": "Installation",
              "description": "Id of its installation.",
              "type": "integer",
              "minimum": 1,
              "examples": [
                7654321
              ]
            },
            "private_key": {
              "title": "Private key",
              "description": "Where its key is, PEM.",
              "allOf": [
                {
                  "$ref": "#/definitions/secret"
                }
              ],
              "examples": [
                {
                  "file": "/run/secrets/github-app.pem"
                }
              ]
            }
          },
          "required": [
            "id",
            "installation",
            "private_key"
          ],
          "examples": [
            {
              "id": 123456,
              "installation": 7654321,
              "private_key": {
                "file": "/run/secrets/github-app.pem"
              }
            }
          ]
        },
        "webhook_secret": {
          "title": "Webhook secret",
          "description": "Signs what the forge sends to `/webhooks/github`: news are read at once. Left out: every minute.",
          "allOf": [
            {
              "$ref": "#/definitions/secret"
            }
          ],
          "examples": [
            {
              "env": "GITHUB_WEBHOOK_SECRET"
            }
          ]
        }
      },
      "required": [
        "type",
        "repository"
      ],
      "examples": [
        {
          "type": "github",
          "repository": "example/approvals",
          "token": {
            "env": "GITHUB_TOKEN"
          }
        }
      ]
    },
    "endpoint": {
      "title": "Endpoint",
      "description": "One system that steps may call.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "url": {
          "title": "URL",
          "description": "Its address; what a step calls is below it. https, or http on loopback.",
          "type": "string",
          "pattern": "^(https://|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])([:/]|$))[^\\s?#]*$",
          "examples": [
            "https://awx.example.org"
          ]
        },
        "credential": {
          "title": "Credential",
          "description": "What gitmend sends to it.",
          "allOf": [
            {
              "$ref": "#/definitions/credential"
            }
          ],
          "examples": [
            {
              "bearer": {
                "env": "AWX_TOKEN"
              }
            }
          ]
        },
        "header": {
          "title": "Header",
          "description": "A credential for systems that want it in a header of their own; instead of `credential`.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "name": {
              "title": "Name",
              "description": "Name of the header.",
              "type": "string",
              "pattern": "^[A-Za-z][A-Za-z0-9-]*$",
              "examples": [
                "X-Api-Key"
              ]
            },
            "value": {
              "title": "Value",
              "description": "Where its value is.",
              "allOf": [
                {
                  "$ref": "#/definitions/secret"
                }
              ],
              "examples": [
                {
                  "env": "STATUS_PAGE_KEY"
                }
              ]
            }
          },
          "required": [
            "name",
            "value"
          ],
          "examples": [
            {
              "name": "X-Api-Key",
              "value": {
                "env": "STATUS_PAGE_KEY"
              }
            }
          ]
        }
      },
      "required": [
        "url"
      ],
      "examples": [
        {
          "url": "https://awx.example.org",
          "credential": {
            "bearer": {
              "env": "AWX_TOKEN"
            }
          }
        }
      ]
    },
    "secret": {
      "title": "Secret",
      "description": "Where a secret is found; never the secret itself.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "env": {
          "title": "Environment variable",
          "description": "Name of the variable that holds it.",
          "type": "string",
          "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
          "examples": [
            "GITMEND_GIT_TOKEN"
          ]
        },
        "file": {
          "title": "File",
          "description": "Path of the file that holds it; white space at the end is dropped.",
          "type": "string",
          "minLength": 1,
          "examples": [
            "/run/secrets/token"
          ]
        }
      },
      "minProperties": 1,
      "maxProperties": 1,
      "examples": [
        {
          "env": "GITMEND_GIT_TOKEN"
        }
      ]
    },
    "channel": {
      "title": "Channel",
      "description": "One webhook.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "kind": {
          "title": "Kind",
          "description": "`webhook`: gitmend's own signed JSON. `slack`: an incoming webhook of Slack or whatever understands its format.",
          "enum": [
            "webhook",
            "slack"
          ],
          "default": "webhook",
          "examples": [
            "slack"
          ]
        },
        "url": {
          "title": "URL",
          "description": "Where messages are posted as JSON.",
          "type": "string",
          "pattern": "^https?://",
          "examples": [
            "https://chat.example.org/hooks/sre"
          ]
        },
        "secret": {
          "title": "Secret",
          "description": "Key of the HMAC signature of each message.",
          "allOf": [
            {
              "$ref": "#/definitions/secret"
            }
          ],
          "examples": [
            {
              "env": "SRE_HOOK_SECRET"
            }
          ]
        }
      },
      "required": [
        "url"
      ],
      "examples": [
        {
          "url": "https://chat.example.org/hooks/sre",
          "secret": {
            "env": "SRE_HOOK_SECRET"
          }
        }
      ]
    },
    "gitCredential": {
      "title": "Git credential",
      "description": "A token for https or a key for ssh.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "username": {
          "title": "User name",
          "description": "User of the token. Most forges take any.",
          "type": "string",
          "minLength": 1,
          "default": "gitmend",
          "examples": [
            "gitmend"
          ]
        },
        "token": {
          "title": "Token",
          "description": "Password or access token for https.",
          "allOf": [
            {
              "$ref": "#/definitions/secret"
            }
          ],
          "examples": [
            {
              "env": "GITMEND_GIT_TOKEN"
            }
          ]
        },
        "ssh_key": {
          "title": "SSH key",
          "description": "Path of a private key, without a passphrase.",
          "type": "string",
          "minLength": 1,
          "examples": [
            "/run/secrets/git-key"
          ]
        },
        "known_hosts": {
          "title": "Known hosts",
          "description": "Path of the known_hosts file that the server must be in.",
          "type": "string",
          "minLength": 1,
          "examples": [
            "/etc/gitmend/known_hosts"
          ]
        }
      },
      "examples": [
        {
          "token": {
            "env": "GITMEND_GIT_TOKEN"
          }
        }
      ]
    },
    "credential": {
      "title": "HTTP credential",
      "description": "A bearer token, or a user name with a password.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "bearer": {
          "title": "Bearer token",
          "description": "Expected in `Authorization: Bearer`.",
          "allOf": [
            {
              "$ref": "#/definitions/secret"
            }
          ],
          "examples": [
            {
              "env": "ALERTMANAGER_TOKEN"
            }
          ]
        },
        "basic": {
          "title": "Basic authentication",
          "description": "Expected user name and password.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "username": {
              "title": "User name",
              "description": "Expected user name.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "alertmanager"
              ]
            },
            "password": {
              "title": "Password",
              "description": "Expected password.",
              "allOf": [
                {
                  "$ref": "#/definitions/secret"
                }
              ],
              "examples": [
                {
                  "file": "/run/secrets/alertmanager"
                }
              ]
            }
          },
          "required": [
            "username",
            "password"
          ],
          "examples": [
            {
              "username": "alertmanager",
              "password": {
                "env": "ALERTMANAGER_PASSWORD"
              }
            }
          ]
        }
      },
      "minProperties": 1,
      "maxProperties": 1,
      "examples": [
        {
          "bearer": {
            "env": "ALERTMANAGER_TOKEN"
          }
        }
      ]
    }
  }
} as const;
