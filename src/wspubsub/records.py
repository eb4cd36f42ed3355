"""Frozen dataclasses that cost a cold start next to nothing.

`@dataclass` writes and compiles methods for each class, and its module loads others
that nothing else in a function needs; together that was a tenth of a cold start. A
`Record` behaves like `@dataclass(frozen=True, kw_only=True)`, type checkers take it
for one (PEP 681), and `dataclasses.replace`, `fields` and `asdict` work on it; the
module is loaded when one of them is used.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

if TYPE_CHECKING:
    import dataclasses

# What `asdict` and its like look for; built when it is looked for.
_FIELDS = "__dataclass_fields__"


class _LateFields:
    def __get__(
        self, record: object, owner: "type[Record]"
    ) -> "Mapping[str, dataclasses.Field[Any]]":
        import dataclasses  # the point of it all

        made = dataclasses.make_dataclass(
            owner.__name__,
            [(name, Any, _make_field(owner, name)) for name in owner.field_names],
            kw_only=True,
        )
        fields: Mapping[str, dataclasses.Field[Any]] = getattr(made, _FIELDS)
        return fields


def _make_field(owner: "type[Record]", name: str) -> "dataclasses.Field[Any]":
    import dataclasses

    is_shown = name not in owner.hidden_names
    options: dict[str, Any] = {"repr": is_shown}
    if hasattr(owner, name):
        default = getattr(owner, name)
        options["default_factory"] = lambda: default
    made: dataclasses.Field[Any] = dataclasses.field(**options)
    return made


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Record:
    """Base of frozen records; a subclass lists its fields as annotations.

    A field with a value in the class has that as its default; a mapping stands for a
    `dict` of each record's own. `hidden` names fields that `repr` leaves out.
    """

    field_names: ClassVar[tuple[str, ...]] = ()
    hidden_names: ClassVar[frozenset[str]] = frozenset()
    _required: ClassVar[frozenset[str]] = frozenset()
    _copied: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, *, hidden: tuple[str, ...] = ()) -> None:
        names = dict.fromkeys((*cls.field_names, *cls.__annotations__))
        cls.field_names = tuple(names)
        cls.hidden_names = cls.hidden_names | frozenset(hidden)
        cls._required = frozenset(name for name in names if not hasattr(cls, name))
        cls._copied = tuple(
            name for name in names if isinstance(getattr(cls, name, None), Mapping)
        )

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - set(self.field_names)
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {min(unknown)!r}")
        missing = self._required - values.keys()
        if missing:
            raise TypeError(f"{type(self).__name__} needs the field {min(missing)!r}")
        self.__dict__.update({name: {} for name in self._copied}, **values)

    def __replace__(self, **changes: Any) -> Self:
        return type(self)(**self._values() | changes)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"cannot assign to {name!r}: {type(self).__name__} is frozen"
        )

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete {name!r}: {type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(tuple(self._values().values()))

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={value!r}"
            for name, value in self._values().items()
            if name not in self.hidden_names
        )
        return f"{type(self).__name__}({shown})"

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.field_names}


setattr(Record, _FIELDS, _LateFields())
