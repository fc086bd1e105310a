"""Prepared calls whose inputs or outputs are strings."""

from __future__ import annotations

import ctypes
import math
import struct
from ctypes import c_size_t
from itertools import accumulate
from typing import Any

import numpy as np

from ._addresses import address, bytes_address, bytes_addresses
from ._calls import PLAIN, PreparedCall
from ._interrupts import run_options
from ._library import lib
from ._strings import decoded_views, encoded, encoded_one, encoded_views, split_views
from ._types import STRINGS

_run = lib.pinion_call_run
_release = lib.pinion_value_release
_string_at = ctypes.string_at
_ndarray = np.ndarray
_empty = np.empty
_WORD = ctypes.sizeof(c_size_t)
# Of an input with no more strings than these the views lie beside the addresses.
_FEW_GIVEN = 4
# The same of an output.
_FEW = 128
# Bytes for the text of few strings of an output.
_SHORT = 4096
# The words of a pinion_string_output.
_STRINGS, _OWNER, _TEXT, _CAPACITY, _SIZE, _OUTPUT_WORDS = range(6)
# The strings of an output that lie in the call are remembered up to as many.
_REMEMBERED = 4096
_ADDRESS_BITS = 48


class TextCall(PreparedCall):
    """A prepared call with strings among its inputs or outputs.

    What C reads and writes lies in one block of words: the addresses of inputs and of outputs, the views of few strings of inputs, a
    pinion_string_output for each output of strings, the views of few strings of outputs, and room for their text.
    """

    _takes_strings = True

    __slots__ = (
        "_given",
        "_few",
        "_texts",
        "_told",
        "_end",
        "_words",
        "_read",
        "_numbers",
        "_known",
        "_labels",
        "_capacities",
        "_singles",
        "_told_bytes",
    )

    def _settle(self) -> None:
        first = len(self.types) + len(self.outputs)
        #: Of each input its place, its type, its shape, and how many strings it has, -1 for numbers.
        self._given = [(index, dtype, shape, math.prod(shape) if dtype is STRINGS else -1) for index, (dtype, shape) in enumerate(self.types)]
        counts = [count if 0 < count <= _FEW_GIVEN else 0 for *_, count in self._given]
        #: Where the views of few strings lie, by input; what C tells; what comes behind that.
        self._few = {index: place for index, (place, count) in enumerate(zip(accumulate((2 * n for n in counts), initial=first), counts)) if count}
        self._told = first + 2 * sum(counts)
        outputs = [(index, shape) for index, (shape, dtype, _) in enumerate(self.outputs) if dtype is STRINGS]
        self._end = self._told + _OUTPUT_WORDS * len(outputs)
        #: Of each output of strings: its place among the outputs and that of its description among the words told, the place of few views
        #: there and 0 for many, how many strings, its shape, and whether its strings are the call's own.
        self._texts: list[tuple[int, int, int, int, tuple[int, ...], bool]] = []
        views = self._end
        for number, (index, shape) in enumerate(outputs):
            count, own = math.prod(shape), bool(lib.pinion_call_output_has_own_strings(self.handle, index))
            is_few = 0 < count <= _FEW
            self._texts.append((index, _OUTPUT_WORDS * number, views - self._told if is_few else 0, count, shape, own))
            views += 2 * count if is_few else 0
        self._put = struct.Struct(f"{self._end}N").pack_into
        self._read = struct.Struct(f"{views - self._told}N").unpack_from
        self._words = views
        #: The outputs of numbers: their places and what makes them.
        self._numbers = [(index, *self._makers[index]) for index, (_, dtype, _) in enumerate(self.outputs) if dtype is not STRINGS]
        #: Strings of the call's own by their views, and many by address and length in one number, in order. The last one is none of them, so
        #: that all that is looked for has a place.
        self._known: dict[Any, str] = {}
        self._labels = np.array([np.iinfo(np.int64).max]), np.array([None], STRINGS)
        #: The outputs of strings where all of them have one.
        self._singles = [(index, told, few, shape, (0,) * len(shape), own) for index, told, few, count, shape, own in self._texts]
        if any(count != 1 for _, _, _, count, _, _ in self._texts):
            self._singles = []
        self._told_bytes = self._told * _WORD
        #: Bytes that the text of many strings is given room for, by output.
        self._capacities = {index: 16 * count for index, _, place, count, _, _ in self._texts if not place}

    def _made_slots(self) -> Any:
        """The words, where the addresses of inputs and of outputs lie, and the words as they are before a run."""
        texts = _SHORT // _WORD * len(self._texts)
        words = (c_size_t * (self._words + texts + 1))()
        start = ctypes.addressof(words)
        fixed = [0] * self._end
        for index, place in self._few.items():
            fixed[index] = start + place * _WORD
        for number, (index, told, few, count, _, own) in enumerate(self._texts):
            output = self._told + told
            fixed[self._count + index] = start + output * _WORD
            if few:
                fixed[output + _STRINGS] = start + (self._told + few) * _WORD
                if count > 1 and not own:
                    fixed[output + _TEXT] = start + self._words * _WORD + number * _SHORT
                    fixed[output + _CAPACITY] = _SHORT
        return words, start, start + self._count * _WORD, fixed

    def run(self, values: list[Any]) -> list[Any] | int | None:
        kept: list[Any] = []
        few: list[int] = []
        changed: list[tuple[int, int]] = []
        for value, (index, dtype, shape, count) in zip(values, self._given):
            if type(value) is not _ndarray or value.shape != shape:
                return None
            if count < 0:
                if (value.dtype is not dtype and value.dtype != dtype) or value.flags.num & PLAIN != PLAIN:
                    return None
                changed.append((index, address(value)))
            elif value.dtype is not STRINGS and value.dtype.kind not in "OU":
                return None
            elif count == 1:
                item = value.item()
                try:
                    text = item.encode()
                except (UnicodeEncodeError, AttributeError):
                    text = encoded_one(item)
                kept.append(text)
                few += bytes_address(text), len(text)
            elif count <= _FEW_GIVEN:
                texts = encoded(value.reshape(-1).tolist())
                kept.append(texts)
                for place, text in zip(bytes_addresses(texts), texts):
                    few += place, len(text)
            else:
                views, memory = encoded_views(value)
                kept += views, memory
                changed.append((index, address(views)))
        outputs: list[Any] = [None] * len(self.outputs)
        for index, make, arguments in self._numbers:
            array = outputs[index] = make(*arguments)
            changed.append((self._count + index, address(array)))
        many: list[Any] = []
        for index, told, place, count, _, own in self._texts:
            if not place and count:
                views = _empty((count, 2), np.int64)
                room = None if own else _empty(self._capacities[index], np.uint8)
                many.append((views, room))
                output = self._told + told
                changed.append((output, address(views)))
                if room is not None:
                    changed += (output + _TEXT, address(room)), (output + _CAPACITY, len(room))
        try:
            taken = self._slots.pop()
        except IndexError:
            taken = self._made_slots()
        words, start, results, fixed = taken
        block = fixed.copy()
        for index, number in changed:
            block[index] = number
        if few:
            block[self._count + len(outputs) : self._told] = few
        self._put(words, 0, *block)
        status = _run(self.handle, run_options(), start, results)
        if status:
            self._slots.append(taken)
            return int(status)
        found = self._read(words, self._told_bytes)
        for index, told, place, shape, first, own in self._singles:
            if found[told + _OWNER]:
                self._decode(outputs, many, found)
                break
            view = found[place : place + 2]
            array = outputs[index] = _empty(shape, STRINGS)
            array[first] = self._known.get(view) or self._string(view, own)
        else:
            if not self._singles and self._texts:
                self._decode(outputs, many, found)
        self._slots.append(taken)
        for index, make in self._tables:
            outputs[index] = make(outputs[index].tolist())
        return outputs

    def _decode(self, outputs: list[Any], many: list[Any], found: tuple[int, ...]) -> None:
        """Makes the outputs of strings."""
        owners = [found[told + _OWNER] for _, told, _, _, _, _ in self._texts if found[told + _OWNER]]
        if owners:
            # Runs make text of their own after all: it is better copied to where there is room for it.
            self._texts = [(index, told, few, count, shape, False) for index, told, few, count, shape, _ in self._texts]
        try:
            for index, told, few, count, shape, own in self._texts:
                remembers = own and not owners
                size = found[told + _SIZE]
                if count == 1:
                    view = found[few : few + 2]
                    array = outputs[index] = _empty(shape, STRINGS)
                    array[(0,) * len(shape)] = self._known.get(view) or self._string(view, remembers)
                    continue
                if few:
                    array = _empty(count, STRINGS)
                    views = found[few : few + 2 * count]
                    text = _string_at(found[told + _TEXT], size) if size <= _SHORT else b""
                    items = text.decode("utf-8", "surrogateescape").split("\0")
                    if len(items) == count + 1:
                        items.pop()
                        array[:] = items
                    else:
                        pairs = zip(views[::2], views[1::2])
                        array[:] = [self._known.get(view) or self._string(view, remembers) for view in pairs]
                elif count:
                    places, room = many.pop(0)
                    if room is None:
                        array = self._among_labels(places, count) if remembers else decoded_views(places, count)
                    elif size <= len(room):
                        array = split_views(str(room[:size], "utf-8", "surrogateescape"), places, count)
                    else:
                        self._capacities[index] = size + size // 8
                        array = decoded_views(places, count)
                else:
                    array = _empty(count, STRINGS)
                outputs[index] = array.reshape(shape)
        finally:
            for owner in owners:
                _release(owner)

    def _string(self, view: tuple[int, ...], remembers: bool) -> str:
        """The string at an address, which is remembered where the same address will always be the same string."""
        place, length = view
        text = _string_at(place, length) if length else b""
        try:
            string = text.decode()
        except UnicodeDecodeError:
            string = text.decode("utf-8", "surrogateescape")
        if remembers and len(self._known) < _REMEMBERED:
            self._known[view] = string
        return string

    def _among_labels(self, views: np.ndarray, count: int) -> np.ndarray:
        """Many strings that lie in the call, of which there are mostly few different ones."""
        starts, lengths = views[:, 0], views[:, 1]
        if ((starts >> _ADDRESS_BITS) | (lengths >> 63 - _ADDRESS_BITS)).any():
            return decoded_views(views, count)
        # An empty string may begin where another one does.
        numbers = starts | lengths << _ADDRESS_BITS
        keys, strings = self._labels
        places = keys.searchsorted(numbers)
        if (keys[places] != numbers).any():
            new = np.setdiff1d(numbers, keys)
            if 2 * len(new) > count or len(new) + len(keys) > _REMEMBERED:
                return decoded_views(views, count)
            parts = np.stack((new & ((1 << _ADDRESS_BITS) - 1), new >> _ADDRESS_BITS), axis=1)
            keys, strings = np.concatenate((keys, new)), np.concatenate((strings, decoded_views(parts, len(new))))
            order = keys.argsort()
            keys, strings = self._labels = keys[order], strings[order]
            places = keys.searchsorted(numbers)
        found: np.ndarray = strings[places]
        return found
