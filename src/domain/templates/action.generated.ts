// Written by scripts/generate.ts from schemas/action.schema.json. Do not edit: change the schema.
/**
 * One action of your own: `actions/** /*.{yaml,yml,json}` of the config repository. Templates use it by its name, with type `custom`.
 */
export interface ActionFile {
  /**
   * Version of this file format. A controller that meets a newer format keeps the last good revision.
   */
  format: number;
  /**
   * Unique among all actions, built-in ones included.
   */
  name: string;
  /**
   * What it does, in a sentence.
   */
  description: string;
  /**
   * What it can break at worst. Of risk high or critical a plan needs an approval.
   */
  risk: "low" | "medium" | "high" | "critical";
  /**
   * JSON Schema fragments by name. One without a default must be given.
   */
  parameters: {
    [k: string]: {
      [k: string]: unknown;
    };
  };
  /**
   * Parameters that may hold free text, annotations of alerts say. They may enter bodies and environment variables, nothing else.
   *
   * @maxItems 50
   *
   * Items: Name of a parameter.
   */
  text: string[];
  /**
   * A Kubernetes Job: the parameters of the action `run_job`.
   */
  run_job?: {
    [k: string]: unknown;
  };
  /**
   * A request to an endpoint of gitmend.yaml.
   */
  http_request?: Request;
  /**
   * Finds out afterwards whether the request has had its effect. Without one a POST whose answer was lost is for people.
   */
  probe?: {
    /**
     * What is asked, by GET.
     */
    http_request?: Request;
    /**
     * An object of the cluster that is looked at.
     */
    object?: {
      /**
       * Of the object.
       */
      api_version: string;
      /**
       * Of the object.
       */
      kind: string;
      /**
       * The kind as permissions name it.
       */
      resource: string;
      /**
       * Left out: an object of the whole cluster.
       */
      namespace?: string;
      /**
       * Of the object.
       */
      name: string;
    };
    /**
     * CEL over `status` and `body` of the answer, or over `object` (null: there is none), `params` and `effect.key`. True: it has happened.
     */
    expect: string;
  };
  /**
   * How it is taken back: another request or Job, or why it is not. Whatever changes something needs it.
   */
  undo?: {
    /**
     * A Kubernetes Job: the parameters of the action `run_job`.
     */
    run_job?: {
      [k: string]: unknown;
    };
    /**
     * A request to an endpoint of gitmend.yaml.
     */
    http_request?: Request;
    /**
     * Why there is nothing to take back; people read it before they approve.
     */
    nothing?: string;
  };
  /**
   * Of a request: how long it may take until its effect is known. A Job has a timeout of its own.
   */
  timeout: string;
}
/**
 * One request to a system that `http.endpoints` of gitmend.yaml names. Values enter path and query by structure: each stays one segment, one value.
 */
export interface Request {
  /**
   * Name under `http.endpoints` of gitmend.yaml, where its address and credential stand.
   */
  endpoint: string;
  /**
   * GET changes nothing; PUT and DELETE may be sent again when their answer was lost; POST and PATCH only with a probe.
   */
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /**
   * Below the endpoint's address.
   */
  path: string;
  /**
   * Parameters of the query, by name.
   */
  query: {
    [k: string]: string | number | boolean;
  };
  /**
   * Headers besides those that gitmend sends itself. Never a credential: that stands in gitmend.yaml.
   */
  headers: {
    [k: string]: string;
  };
  /**
   * Sent as JSON.
   */
  body?:
    | {
        [k: string]: unknown;
      }
    | unknown[];
}

export const actionSchema = {
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://gitmend.dev/schemas/action.schema.json",
  "title": "ActionFile",
  "description": "One action of your own: `actions/**/*.{yaml,yml,json}` of the config repository. Templates use it by its name, with type `custom`.",
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
    "name": {
      "title": "Name",
      "description": "Unique among all actions, built-in ones included.",
      "type": "string",
      "pattern": "^[a-z][a-z0-9_-]{0,62}$",
      "examples": [
        "purge_cdn"
      ]
    },
    "description": {
      "title": "Description",
      "description": "What it does, in a sentence.",
      "type": "string",
      "minLength": 1,
      "maxLength": 500,
      "examples": [
        "Purges a zone of the CDN."
      ]
    },
    "risk": {
      "title": "Risk",
      "description": "What it can break at worst. Of risk high or critical a plan needs an approval.",
      "enum": [
        "low",
        "medium",
        "high",
        "critical"
      ],
      "examples": [
        "medium"
      ]
    },
    "parameters": {
      "title": "Parameters",
      "description": "JSON Schema fragments by name. One without a default must be given.",
      "type": "object",
      "propertyNames": {
        "pattern": "^[a-z][a-z0-9_]{0,62}$"
      },
      "maxProperties": 50,
      "additionalProperties": {
        "type": "object",
        "additionalProperties": {}
      },
      "default": {},
      "examples": [
        {
          "zone": {
            "type": "string",
            "pattern": "^[a-z0-9-]+$",
            "description": "Zone to purge."
          }
        }
      ]
    },
    "text": {
      "title": "Text",
      "description": "Parameters that may hold free text, annotations of alerts say. They may enter bodies and environment variables, nothing else.",
      "type": "array",
      "items": {
        "title": "Parameter",
        "description": "Name of a parameter.",
        "type": "string",
        "examples": [
          "message"
        ]
      },
      "maxItems": 50,
      "default": [],
      "examples": [
        [
          "message"
        ]
      ]
    },
    "run_job": {
      "title": "Job",
      "description": "A Kubernetes Job: the parameters of the action `run_job`.",
      "type": "object",
      "additionalProperties": {},
      "examples": [
        {
          "image": "registry.example.org/tools:1",
          "cpu": "100m",
          "memory": "64Mi"
        }
      ]
    },
    "http_request": {
      "title": "HTTP request",
      "description": "A request to an endpoint of gitmend.yaml.",
      "allOf": [
        {
          "$ref": "#/definitions/request"
        }
      ],
      "examples": [
        {
          "endpoint": "cdn",
          "path": "/purge"
        }
      ]
    },
    "probe": {
      "title": "Probe",
      "description": "Finds out afterwards whether the request has had its effect. Without one a POST whose answer was lost is for people.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "http_request": {
          "title": "HTTP request",
          "description": "What is asked, by GET.",
          "allOf": [
            {
              "$ref": "#/definitions/request"
            }
          ],
          "examples": [
            {
              "endpoint": "cdn",
              "path": "/purge"
            }
          ]
        },
        "object": {
          "title": "Object",
          "description": "An object of the cluster that is looked at.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "api_version": {
              "title": "API version",
              "description": "Of the object.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "apps/v1"
              ]
            },
            "kind": {
              "title": "Kind",
              "description": "Of the object.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "Deployment"
              ]
            },
            "resource": {
              "title": "Resource",
              "description": "The kind as permissions name it.",
              "type": "string",
              "pattern": "^[a-z0-9.-]+$",
              "examples": [
                "deployments"
              ]
            },
            "namespace": {
              "title": "Namespace",
              "description": "Left out: an object of the whole cluster.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "{{ params.namespace }}"
              ]
            },
            "name": {
              "title": "Name",
              "description": "Of the object.",
              "type": "string",
              "minLength": 1,
              "examples": [
                "{{ params.name }}"
              ]
            }
          },
          "required": [
            "api_version",
            "kind",
            "resource",
            "name"
          ],
          "examples": [
            {
              "api_version": "v1",
              "kind": "ConfigMap",
              "resource": "configmaps",
              "namespace": "shop",
              "name": "flags"
            }
          ]
        },
        "expect": {
          "title": "Expected",
          "description": "CEL over `status` and `body` of the answer, or over `object` (null: there is none), `params` and `effect.key`. True: it has happened.",
          "type": "string",
          "minLength": 1,
          "maxLength": 2000,
          "examples": [
            "status == 200 && body.purged == true"
          ]
        }
      },
      "required": [
        "expect"
      ],
      "examples": [
        {
          "http_request": {
            "endpoint": "cdn",
            "path": "/purges/{{ effect.key }}"
          },
          "expect": "status == 200"
        }
      ]
    },
    "undo": {
      "title": "Undo",
      "description": "How it is taken back: another request or Job, or why it is not. Whatever changes something needs it.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "run_job": {
          "title": "Job",
          "description": "A Kubernetes Job: the parameters of the action `run_job`.",
          "type": "object",
          "additionalProperties": {},
          "examples": [
            {
              "image": "registry.example.org/tools:1",
              "cpu": "100m",
              "memory": "64Mi"
            }
          ]
        },
        "http_request": {
          "title": "HTTP request",
          "description": "A request to an endpoint of gitmend.yaml.",
          "allOf": [
            {
              "$ref": "#/definitions/request"
            }
          ],
          "examples": [
            {
              "endpoint": "cdn",
              "path": "/purge"
            }
          ]
        },
        "nothing": {
          "title": "Nothing",
          "description": "Why there is nothing to take back; people read it before they approve.",
          "type": "string",
          "minLength": 10,
          "maxLength": 300,
          "examples": [
            "a purged cache fills itself again"
          ]
        }
      },
      "examples": [
        {
          "nothing": "a purged cache fills itself again"
        }
      ]
    },
    "timeout": {
      "title": "Timeout",
      "description": "Of a request: how long it may take until its effect is known. A Job has a timeout of its own.",
      "type": "string",
      "pattern": "^(?=.)(\\d+h)?(\\d+m)?(\\d+s)?$",
      "default": "30s",
      "examples": [
        "30s"
      ]
    }
  },
  "required": [
    "name",
    "description",
    "risk"
  ],
  "examples": [
    {
      "name": "purge_cdn",
      "description": "Purges a zone of the CDN.",
      "risk": "medium",
      "http_request": {
        "endpoint": "cdn",
        "path": "/purge"
      },
      "undo": {
        "nothing": "a purged cache fills itself again"
      }
    }
  ],
  "definitions": {
    "request": {
      "title": "HTTP request",
      "description": "One request to a system that `http.endpoints` of gitmend.yaml names. Values enter path and query by structure: each stays one segment, one value.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "endpoint": {
          "title": "Endpoint",
          "description": "Name under `http.endpoints` of gitmend.yaml, where its address and credential stand.",
          "type": "string",
          "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
          "maxLength": 63,
          "examples": [
            "cdn"
          ]
        },
        "method": {
          "title": "Method",
          "description": "GET changes nothing; PUT and DELETE may be sent again when their answer was lost; POST and PATCH only with a probe.",
          "enum": [
            "GET",
            "POST",
            "PUT",
            "PATCH",
            "DELETE"
          ],
          "default": "POST",
          "examples": [
            "POST"
          ]
        },
        "path": {
          "title": "Path",
          "description": "Below the endpoint's address.",
          "type": "string",
          "pattern": "^/",
          "maxLength": 2000,
          "examples": [
            "/zones/{{ params.zone }}/purge"
          ]
        },
        "query": {
          "title": "Query",
          "description": "Parameters of the query, by name.",
          "type": "object",
          "additionalProperties": {
            "type": [
              "string",
              "number",
              "boolean"
            ]
          },
          "maxProperties": 50,
          "default": {},
          "examples": [
            {
              "dry_run": "false"
            }
          ]
        },
        "headers": {
          "title": "Headers",
          "description": "Headers besides those that gitmend sends itself. Never a credential: that stands in gitmend.yaml.",
          "type": "object",
          "propertyNames": {
            "pattern": "^[A-Za-z][A-Za-z0-9-]*$"
          },
          "additionalProperties": {
            "type": "string",
            "maxLength": 1000
          },
          "maxProperties": 20,
          "default": {},
          "examples": [
            {
              "X-Reason": "remediation"
            }
          ]
        },
        "body": {
          "title": "Body",
          "description": "Sent as JSON.",
          "type": [
            "object",
            "array"
          ],
          "examples": [
            {
              "files": [
                "{{ params.file }}"
              ]
            }
          ]
        }
      },
      "required": [
        "endpoint",
        "path"
      ],
      "examples": [
        {
          "endpoint": "cdn",
          "path": "/zones/{{ params.zone }}/purge",
          "body": {
            "everything": true
          }
        }
      ]
    }
  }
} as const;
