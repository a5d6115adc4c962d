"""How many instances a service has, by the size of the cluster. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from bob.catalogue.part import Part

Positive = Annotated[int, Field(strict=True, ge=1)]
Size = Annotated[int, Field(ge=1)]


class CountRule(Part):
    """`per_node`: so many on each node. `by_size`: from so many nodes on, so many in all."""

    per_node: Positive | None = None
    by_size: Mapping[Size, Positive] = {}

    @field_validator("by_size")
    @classmethod
    def _begins_with_one_node(cls, steps: Mapping[int, int]) -> Mapping[int, int]:
        if steps and min(steps) != 1:
            raise ValueError(f"begins with {min(steps)} nodes; say what 1 node gets")
        counts = [steps[size] for size in sorted(steps)]
        if counts != sorted(counts):
            raise ValueError("more nodes get fewer instances")
        return steps

    @model_validator(mode="after")
    def _is_one_rule(self) -> CountRule:
        if (self.per_node is None) == (not self.by_size):
            raise ValueError("say either per_node or by_size")
        if self.per_node not in (None, 1):
            raise ValueError("per_node is 1: each instance has a node of its own")
        return self

    def count(self, nodes: int) -> int:
        """Instances in a cluster of so many nodes."""
        if self.per_node is not None:
            return self.per_node * nodes
        return max(count for size, count in self.by_size.items() if size <= max(nodes, 1))

    def __str__(self) -> str:
        if self.per_node is not None:
            return "one on each node"
        steps = (f"{count} from {size} nodes on" for size, count in sorted(self.by_size.items()))
        return ", ".join(steps)


def _form(given: Any) -> str:
    return "<rule>" if isinstance(given, (dict, CountRule)) else "<number>"


Count = Annotated[
    Annotated[Positive, Tag("<number>")] | Annotated[CountRule, Tag("<rule>")],
    Discriminator(_form),
]


def instances(rule: int | CountRule, nodes: int) -> int:
    """Instances that a rule asks for in a cluster of so many nodes."""
    return rule if isinstance(rule, int) else rule.count(nodes)
