# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of SARIF 2.1.0 that abireview writes, as a JSON schema of our own (from the text of the standard).

Nothing else may stand in a log: ``additionalProperties`` is false everywhere but in property bags. The official schema
is OASIS's and not kept here; name a copy of it with ABIREVIEW_SARIF_SCHEMA and the same logs are checked with it, too.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def object_(required: str, **properties: Schema) -> Schema:
    """An object with just these properties; ``required`` names those that must be there."""
    names = [name.rstrip("_") for name in properties]
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": dict(zip(names, properties.values(), strict=True)),
    }


def list_(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def one_of(*values: str) -> Schema:
    return {"enum": list(values)}


TEXT: Schema = {"type": "string", "minLength": 1}
ANY: Schema = {"type": "object"}  # a property bag (3.8)
URI: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9._~!$&'()*+,;=:@%/-]+$"}  # RFC 3986, without query
POSITIVE: Schema = {"type": "integer", "minimum": 1}

MESSAGE = object_("text", text=TEXT)  # 3.11
LEVEL = one_of("none", "note", "warning", "error")  # 3.27.10
RULE = object_(  # 3.49
    "id", id=TEXT, shortDescription=MESSAGE, help=MESSAGE,
    defaultConfiguration=object_("level", level=LEVEL), properties=ANY,
)  # fmt: skip
REGION = object_("startLine", startLine=POSITIVE, snippet=object_("text", text=TEXT))  # 3.30
PHYSICAL = object_(  # 3.29
    "artifactLocation", artifactLocation=object_("uri", uri=URI, uriBaseId=TEXT), region=REGION, contextRegion=REGION
)
LOCATION = object_("", physicalLocation=PHYSICAL, logicalLocations=list_(object_("name", name=TEXT)))  # 3.28
SUPPRESSION = object_(  # 3.35
    "kind", kind=one_of("inSource", "external"), status=one_of("accepted", "underReview", "rejected"),
    justification=TEXT,
)  # fmt: skip
RESULT = object_(  # 3.27
    "ruleId ruleIndex level message suppressions partialFingerprints",
    ruleId=TEXT, ruleIndex={"type": "integer", "minimum": 0}, level=LEVEL, message=MESSAGE,
    baselineState=one_of("new", "unchanged", "updated", "absent"), locations=list_(LOCATION, minItems=1),
    partialFingerprints={"type": "object", "additionalProperties": TEXT}, suppressions=list_(SUPPRESSION),
    properties=ANY,
)  # fmt: skip
NOTIFICATION = object_("message", level=LEVEL, message=MESSAGE)  # 3.58
INVOCATION = object_(  # 3.20
    "executionSuccessful", executionSuccessful={"type": "boolean"}, toolExecutionNotifications=list_(NOTIFICATION)
)
RUN = object_(  # 3.14
    "tool results",
    tool=object_(
        "driver", driver=object_("name", name=TEXT, version=TEXT, rules=list_(RULE, uniqueItems=True), properties=ANY)
    ),
    automationDetails=object_("id", id=TEXT, description=MESSAGE),
    originalUriBaseIds={"type": "object", "additionalProperties": object_("", description=MESSAGE)},
    columnKind=one_of("utf16CodeUnits", "unicodeCodePoints"), invocations=list_(INVOCATION), results=list_(RESULT),
    properties=ANY,
)  # fmt: skip
LOG = object_("version runs", **{"$schema": URI}, version=one_of("2.1.0"), runs=list_(RUN))  # 3.13
